"""The server page: a market watched, questioned and steered in the browser.

`settings` says which market, `session` runs it and answers the browser, `watch` says what there is
to see of a day, `words` says it in words; `front` keeps the days and draws them in the browser.
"""
