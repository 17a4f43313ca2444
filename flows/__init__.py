"""Joins the stages with the store and the clock. Prefect appears only in `schedule.py`; every other module is plain functions."""
