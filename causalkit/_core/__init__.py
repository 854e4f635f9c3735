"""The ground floor: tables, checks, streams, parallel runs, reports. Nothing here knows causes."""
