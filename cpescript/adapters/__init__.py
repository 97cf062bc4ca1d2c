"""Stimuli and questions to an ACS: how a scenario's `acs …` statements reach the one under test."""
