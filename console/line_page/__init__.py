"""The panels of the Line page, a module each: built once a visit, then kept up to date."""
