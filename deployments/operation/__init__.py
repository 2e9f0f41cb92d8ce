"""`khotin up`: a Prefect server, the deployments and a worker as one operation, begun and ended together."""
