"""The flows under Prefect: decorators on plain functions, deployments, events and automations.

Only this package and flows/prefect_runner.py know Prefect. To import it takes seconds, so nothing outside
imports from here while it is being imported itself.
"""
