"""The console's pages, a module each: `build(site)` adds it. The addresses stand in `layout`."""
