"""The sample province: content of ours, its planted truth and the loopback servers that `duluan demo` crawls.

Nothing here is part of the way a real province's data flows; it stands where the public web would stand.
"""
