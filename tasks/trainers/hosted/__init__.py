"""Trainers at services: the same data set, someone else's GPUs. One file a service, config and trainer in one."""

from tasks.trainers.hosted.fireworks import FireworksTrainer
from tasks.trainers.hosted.openai import OpenAITrainer
from tasks.trainers.hosted.steps import ended, estimated, order, refreshed
from tasks.trainers.hosted.together import TogetherTrainer
from tasks.trainers.hosted.trainer import HostedTrainer

__all__ = [
    "FireworksTrainer",
    "HostedTrainer",
    "OpenAITrainer",
    "TogetherTrainer",
    "ended",
    "estimated",
    "order",
    "refreshed",
]
