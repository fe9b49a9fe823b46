"""The server page: a market watched, questioned and steered in the browser.

`settings` says which market, `session` runs it, `view` is what can be seen of one day, `picture`,
`charts` and `tables` turn that into things to look at, `page` and `panels` put them on the page.
"""
