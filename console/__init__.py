"""The web console: what an operator, a teacher or a line designer leaves open all day.

It looks on and gives orders; nothing of the line depends on it. `site` says how a page is added.
"""
