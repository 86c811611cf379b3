"""The keyboard as Gymnasium environments. Importing this package registers them."""

from envs.registration import register_all

register_all()
