"""Begins the start; `app` finishes it and holds the handler."""

from bursa.bootstrap.start import begin_start

begin_start()
