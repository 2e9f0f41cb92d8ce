"""Fetching: one URL in, one answer or one named failure out, whatever the other side sends."""

from flows.fetching.fetcher import Fetcher
from flows.fetching.memory import RobotsMemo
from flows.fetching.network import Resolver
from flows.fetching.values import FetchConfig, Fetched, HostPolicy, Kind, Validators

__all__ = ["FetchConfig", "Fetched", "Fetcher", "HostPolicy", "Kind", "Resolver", "RobotsMemo", "Validators"]
