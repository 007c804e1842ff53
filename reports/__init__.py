"""What a run amounts to: its folder read back into figures, a table and a page.

    RUN_DIR ── folder.read_run ──> FinishedRun ──> summary    summary.json
                                             ──> terminal   the table at the end of a run
                                             ──> report     report.html

Nothing here talks to the line: the files of the run folder are the only source, so a run that was
cut off, copied or is still going is accounted for like a finished one.
"""
