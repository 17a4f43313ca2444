"""Kibana boards as code: typed panels → saved objects (NDJSON), checked without a Kibana.

model.py   what a board is made of     boards.py    the five boards, in Vietnamese
saved.py   model → saved objects       checks.py    schema, references, layers, grid, fields
question.py  a layer as the aggregation that Lens would send, and as a plain evaluation over rows
"""
