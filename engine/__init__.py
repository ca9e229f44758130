"""The deterministic matching engine and ledger: words in, words out, nothing else.

``engine.core.Engine`` is the fast one, ``engine.reference.Engine`` the readable specification;
both have the same methods and give the same bytes. ``wire.layout`` names every word and
``wire.codec`` turns words into objects for people and projections.

Nothing here may read a clock, draw a random number, log, or do I/O; importing this package
imports none of its modules.
"""
