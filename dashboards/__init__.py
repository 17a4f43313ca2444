"""What people read: charts, the weekly briefing (docx, html), the overview page, Kibana objects. Pure: data in, files out."""
