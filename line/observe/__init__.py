"""How a running line is looked at and given orders: status, metrics, live view, control socket."""
