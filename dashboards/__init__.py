"""What people read: charts, the weekly briefing (docx, html), the overview page. Pure: data in, files out."""
