"""A network camera for tests: GStreamer's RTSP server. Run by the system's Python, which has `gi`; see test_rtsp.py.

    rtsp_server.py PORT BEGIN [user password]

Prints its port (0 lets the system choose one), then serves /cam on 127.0.0.1 until killed:
H.264, 160x120, 25 fps, a pattern with a moving ball. RTP's timestamps begin at BEGIN.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first

PIPELINE = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1"
    " ! x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 timestamp-offset={begin} )"
)


def serve(port: str, begin: str, user: str = "", password: str = "") -> None:
    """Serve until killed; with a user, only to them."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(launch=PIPELINE.format(begin=begin), shared=True)
    server.get_mount_points().add_factory("/cam", factory)
    if user:
        _ask_login(server, factory, user, password)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def _ask_login(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str
) -> None:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    rights = ", ".join(f"media.factory.{right}=(boolean)true" for right in ("access", "construct"))
    factory.add_role_from_structure(Gst.Structure.new_from_string(f"{user}, {rights}"))


if __name__ == "__main__":
    serve(*sys.argv[1:])
