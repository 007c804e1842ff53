"""What the report page draws: charts, tables, thumbnails."""
