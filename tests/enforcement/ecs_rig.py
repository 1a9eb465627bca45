"""ECS on the loopback: the dialogue of its API 2014-05-26, with answers as Alibaba documents them.

The signature of each request is checked by the documented algorithm, not by Libcloud's. Whoever is
stopped or started without being meant to be is written down, and the fixture fails its test.
"""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit
from xml.sax.saxutils import escape

from tests.patience import PATIENCE_S

ACCESS_KEY, SECRET = "testid", "testsecret"
REGION = "cn-hangzhou"

_ERROR = (
    "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{request}</RequestId>"
    "<HostId>ecs.aliyuncs.com</HostId><Code>{code}</Code><Message>{message}</Message></Error>"
)
_DONE = (
    "<?xml version='1.0' encoding='UTF-8'?>"
    "<{action}Response><RequestId>{request}</RequestId></{action}Response>"
)
_INSTANCES = (
    "<?xml version='1.0' encoding='UTF-8'?><DescribeInstancesResponse>"
    "<PageNumber>{page}</PageNumber><PageSize>{size}</PageSize><TotalCount>{total}</TotalCount>"
    "<RequestId>{request}</RequestId><Instances>{instances}</Instances>"
    "</DescribeInstancesResponse>"
)
_INSTANCE = """<Instance>
<CreationTime>2026-01-05T03:00Z</CreationTime><Description/>
<EipAddress><AllocationId/><IpAddress/><InternetChargeType/></EipAddress>
<ExpiredTime>2099-12-31T15:59Z</ExpiredTime><HostName>node</HostName>
<ImageId>debian_13_x64_20G_alibase_20260101.vhd</ImageId>
<InnerIpAddress/><InstanceChargeType>PostPaid</InstanceChargeType>
<InstanceId>{id}</InstanceId><InstanceName>{name}</InstanceName>
<InstanceNetworkType>vpc</InstanceNetworkType><InstanceType>ecs.g7.large</InstanceType>
<InternetChargeType>PayByTraffic</InternetChargeType><IoOptimized>true</IoOptimized>
<OperationLocks/><PublicIpAddress><IpAddress>192.0.2.10</IpAddress></PublicIpAddress>
<RegionId>cn-hangzhou</RegionId><SerialNumber>0</SerialNumber><Status>{status}</Status>
<StoppedMode>Not-applicable</StoppedMode><Tags>{tags}</Tags>
<VpcAttributes><NatIpAddress/><PrivateIpAddress><IpAddress>172.16.0.10</IpAddress>
</PrivateIpAddress><VSwitchId>vsw-1</VSwitchId><VpcId>vpc-1</VpcId></VpcAttributes>
<ZoneId>cn-hangzhou-i</ZoneId></Instance>"""


def signature(secret: str, parameters: Mapping[str, str]) -> str:
    """By Alibaba's "Sign RPC APIs", version 1.0, of a GET of `/`."""

    def encoded(text: str) -> str:
        return quote(text, safe="-_.~")

    query = "&".join(f"{encoded(k)}={encoded(v)}" for k, v in sorted(parameters.items()))
    text = f"GET&{encoded('/')}&{encoded(query)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@dataclass
class Instance:
    """An instance; one that was told to stop or start is on its way for `looks_left` looks."""

    id: str
    name: str = ""
    status: str = "Running"
    tags: dict[str, str] = field(default_factory=dict)
    becomes: str | None = None
    looks_left: int = 0

    def looked_at(self) -> str:
        if self.becomes is not None:
            if self.looks_left == 0:
                self.status, self.becomes = self.becomes, None
            self.looks_left -= 1
        return self.status

    def goes(self, on_the_way: str, becomes: str, looks: int) -> None:
        self.status, self.becomes, self.looks_left = on_the_way, becomes, looks


@dataclass
class Ecs:
    """The region. `may_touch` are the ids that may be stopped and started; `looks` is for how many
    looks each of them is on its way; `faults` answers an action with an error, once for each;
    `behaviour` is how the server misbehaves: "well", "hangs", "drips",
    "hangs up", "garbage", "nothing"."""

    instances: dict[str, Instance] = field(default_factory=dict)
    may_touch: set[str] = field(default_factory=set)
    looks: int = 1
    faults: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    behaviour: str = "well"
    ignores_filters: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    freed: threading.Event = field(default_factory=threading.Event)

    def has(self, *instances: Instance) -> None:
        self.instances |= {each.id: each for each in instances}

    def actions(self) -> list[str]:
        return [each["Action"] for each in self.asked]

    def changes(self) -> list[tuple[str, str]]:
        """The requested stops and starts, in order."""
        return [(a["Action"], a["InstanceId"]) for a in self.asked if "InstanceId" in a]

    def answer(self, query: str) -> tuple[int, str]:
        parameters = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))
        with self.lock:
            self.asked.append(parameters)
            refused = self._refused(dict(parameters))
            if refused is not None:
                return refused
            faults = self.faults.get(parameters["Action"], [])
            if faults:
                return _error(*faults.pop(0))
            known = {
                "DescribeInstances": self._describe,
                "StopInstance": self._stop,
                "StartInstance": self._start,
            }
            return known[parameters["Action"]](parameters)

    def _refused(self, parameters: dict[str, str]) -> tuple[int, str] | None:
        given = parameters.pop("Signature", "")
        if parameters.get("AccessKeyId") != ACCESS_KEY:
            return _error(404, "InvalidAccessKeyId.NotFound")
        if not hmac.compare_digest(given, signature(SECRET, parameters)):
            self.unsigned.append(parameters.get("Action", ""))
            return _error(400, "SignatureDoesNotMatch")
        fixed = {key: parameters.get(key) for key in ("Version", "SignatureVersion", "Format")}
        assert fixed == {"Version": "2014-05-26", "SignatureVersion": "1.0", "Format": "XML"}
        sent = datetime.strptime(parameters["Timestamp"], "%Y-%m-%dT%H:%M:%S%z")
        if abs(datetime.now(UTC) - sent) > timedelta(minutes=15):
            return _error(400, "InvalidTimeStamp.Expired")
        if parameters["SignatureNonce"] in self.nonces:
            return _error(400, "SignatureNonceUsed")
        self.nonces.add(parameters["SignatureNonce"])
        return None

    def _describe(self, asked: dict[str, str]) -> tuple[int, str]:
        assert asked["RegionId"] == REGION
        found = [each for each in self.instances.values() if self._passes(each, asked)]
        size = int(asked.get("PageSize", "10"))
        text = _INSTANCES.format(
            page=1,
            size=size,
            total=len(found),
            request="AAAA",
            instances="".join(map(_instance, found[:size])),
        )
        return 200, text

    def _passes(self, each: Instance, asked: dict[str, str]) -> bool:
        if self.ignores_filters:
            return True
        ids = json.loads(asked["InstanceIds"]) if "InstanceIds" in asked else None
        if ids is not None and each.id not in ids:
            return False
        # ECS' filter by name is a loose one.
        if asked.get("InstanceName", "") not in each.name:
            return False
        key = asked.get("Tag.1.Key")
        return key is None or each.tags.get(key) == asked.get("Tag.1.Value")

    def _stop(self, asked: dict[str, str]) -> tuple[int, str]:
        return self._switch(asked, "Running", "Stopping", "Stopped")

    def _start(self, asked: dict[str, str]) -> tuple[int, str]:
        return self._switch(asked, "Stopped", "Starting", "Running")

    def _switch(
        self, asked: dict[str, str], needed: str, on_the_way: str, becomes: str
    ) -> tuple[int, str]:
        instance = self.instances.get(asked["InstanceId"])
        if instance is None:
            return _error(404, "InvalidInstanceId.NotFound")
        if instance.id not in self.may_touch:
            self.strangers.append(f"{asked['Action']} {instance.id}")
        if instance.status != needed:
            return _error(403, "IncorrectInstanceStatus")
        instance.goes(on_the_way, becomes, self.looks)
        return 200, _DONE.format(action=asked["Action"], request="BBBB")


def _instance(each: Instance) -> str:
    tags = "".join(
        f"<Tag><TagKey>{escape(k)}</TagKey><TagValue>{escape(v)}</TagValue></Tag>"
        for k, v in each.tags.items()
    )
    return _INSTANCE.format(id=each.id, name=escape(each.name), status=each.looked_at(), tags=tags)


def _error(status: int, code: str) -> tuple[int, str]:
    message = "The specified parameter is said to be &apos;wrong&apos;."
    return status, _ERROR.format(request="CCCC", code=code, message=message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are written one after the other, and must not wait for each other.
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        ecs = self.server.ecs
        ecs.headers.append(dict(self.headers.items()))
        status, text = ecs.answer(urlsplit(self.path).query)
        body = text.encode()
        if ecs.behaviour == "hangs":
            ecs.freed.wait(PATIENCE_S)
        if ecs.behaviour == "hangs up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if ecs.behaviour == "garbage":
            status, body = 502, b"<html><p>Bad gateway</html>"
        if ecs.behaviour == "nothing":
            status, body = 503, b""
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if ecs.behaviour == "drips":
            self._drip(body)
        else:
            self.wfile.write(body)

    def _drip(self, body: bytes) -> None:
        for n in range(len(body)):
            if self.server.ecs.freed.wait(0.05):
                return
            self.wfile.write(body[n : n + 1])

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    ecs: Ecs

    def handle_error(self, *_: object) -> None:
        """A client that has gone away in the middle is not an error of this server's."""


@contextmanager
def serving() -> Iterator[Ecs]:
    ecs = Ecs()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.ecs = ecs
        ecs.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ecs
        finally:
            ecs.freed.set()
            server.shutdown()
            thread.join()
