"""The report of an experiment: tables and figures that explain themselves, on one page."""

from analysis.report.build import build_report
from analysis.report.content import FigureItem, Report, Section, TableItem
from analysis.report.export import write_report

__all__ = ["FigureItem", "Report", "Section", "TableItem", "build_report", "write_report"]
