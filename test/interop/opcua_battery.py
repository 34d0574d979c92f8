"""A battery on the Python package `asyncua`: an OPC UA server that is not ours.

Arguments: model (nodeset or plain), port (0: any), folder, PEM file of the one client it trusts,
NodeSet file, and "stand-by" where it only comes up at a line on stdin. The folder keeps key, certificate and registers, so that it comes back as itself.
Prints one JSON object per line: where it listens, what it was told and what it did.
"""

import asyncio
import hashlib
import json
import logging
import socket
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from asyncua import Server, ua, uamethod
from asyncua.common.utils import ServiceError
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

MODEL, PORT, FOLDER, CLIENT, NODESET = sys.argv[1:6]
FOLDER = Path(FOLDER)
URI = "urn:independent:battery"
ENERGY_WH = 20_000.0
POWER_W = 8_000.0
WATCHDOG_S = 10
STATE = FOLDER / "state.json"
Options = CertificateValidatorOptions

# A server that is killed and comes back is the subject, not its complaints about it.
logging.basicConfig(level=logging.ERROR)


def tell(kind, **fields):
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    print(json.dumps({"kind": kind, **fields, "at": at}), flush=True)


def thumbprint(certificate):
    return hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest().upper()


class Battery:
    """Power + is discharge; the setpoint is followed at once."""

    def __init__(self):
        self.imported, self.exported, self.soc = 40_000.0, 30_000.0, 50.0
        if STATE.exists():
            self.imported, self.exported, self.soc = json.loads(STATE.read_text())
        self.power = 0.0
        self.at = time.time()
        self.recorded = None

    def advance(self, power):
        now = time.time()
        wh = self.power * (now - self.at) / 3600
        self.exported += max(0.0, wh)
        self.imported += max(0.0, -wh)
        self.soc -= wh / ENERGY_WH * 100
        self.at, self.power = now, power

    def save(self):
        part = STATE.with_suffix(".part")
        part.write_text(json.dumps([self.imported, self.exported, self.soc]))
        part.replace(STATE)

    def record(self, interval):
        """[stamp ms, mean W, imported, exported, SoC] once per interval, else None."""
        boundary = int(self.at // interval * interval)
        before, self.recorded = self.recorded, (boundary, self.exported - self.imported)
        if before is None or before[0] == boundary:
            self.recorded = before or self.recorded
            return None
        mean = (self.recorded[1] - before[1]) * 3600 / (boundary - before[0])
        return [boundary * 1000.0, mean, self.imported, self.exported, self.soc]


async def free_port():
    if PORT != "0":
        return int(PORT)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def make_server():
    server = Server()
    await server.init()
    port = await free_port()
    endpoint = f"opc.tcp://127.0.0.1:{port}/bess/"
    server.set_endpoint(endpoint)
    await server.set_application_uri(URI)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    key, certificate = FOLDER / "key.pem", FOLDER / "certificate.der"
    await setup_self_signed_certificate(
        key, certificate, URI, "localhost", usages, {"commonName": "battery"}
    )
    server.set_security_policy(
        [
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
            ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
        ]
    )
    await server.load_certificate(certificate)
    await server.load_private_key(key)
    trusted = thumbprint(x509.load_pem_x509_certificate(Path(CLIENT).read_bytes()))
    basic = CertificateValidator(Options.BASIC_VALIDATION | Options.PEER_CLIENT, TrustStore([], []))

    async def validate(peer, description):
        await basic.validate(peer, description)
        if thumbprint(peer) != trusted:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    server.set_certificate_validator(validate)
    own = x509.load_der_x509_certificate(certificate.read_bytes())
    return server, endpoint, thumbprint(own)


class NodesetModel:
    """Our NodeSet file in a server of somebody else."""

    async def build(self, server):
        await server.import_xml(NODESET)
        self.index = await server.get_namespace_index("urn:gridcall:bess")
        self.server = server
        self.setpoint, self.until, self.sequence = None, 0.0, -1
        self.beat, self.beat_at, self.count = None, time.time(), 0
        for name, value in {
            "EnergyRating": ENERGY_WH,
            "MaxChargeRating": POWER_W,
            "MaxDischargeRating": POWER_W,
            "SoCMin": 10.0,
            "SoCMax": 95.0,
        }.items():
            await self.put(name, value)
        for name, run in {
            "SetActivePower": self.set_active_power,
            "ReleaseSetpoint": self.release,
        }.items():
            server.link_method(self.node(name), run)

    def node(self, name):
        return self.server.get_node(ua.NodeId(name, self.index))

    async def put(self, name, value, kind=ua.VariantType.Double):
        await self.node(name).write_value(ua.Variant(value, kind))

    @property
    def set_active_power(self):
        @uamethod
        def run(parent, watts, valid_until, sequence):
            until = valid_until.replace(tzinfo=timezone.utc).timestamp()
            result = 0
            if sequence <= self.sequence:
                result = 2
            elif until <= time.time():
                result = 3
            elif abs(watts) > POWER_W:
                result = 4
            else:
                self.setpoint, self.until, self.sequence = watts, until, sequence
            tell("order", watts=watts, until=until, sequence=sequence, result=result)
            return ua.Variant(result, ua.VariantType.Int32)

        return run

    @property
    def release(self):
        @uamethod
        def run(parent, sequence):
            result = 0 if sequence > self.sequence else 2
            if result == 0:
                self.setpoint, self.sequence = None, sequence
            tell("release", sequence=sequence, result=result)
            return ua.Variant(result, ua.VariantType.Int32)

        return run

    async def step(self, battery):
        beat = await self.node("ControllerHeartbeat").read_value()
        if beat != self.beat:
            self.beat, self.beat_at = beat, time.time()
        if self.setpoint is not None:
            if time.time() >= self.until or time.time() - self.beat_at > WATCHDOG_S:
                self.setpoint = None
                tell("reverted")
        battery.advance(self.setpoint or 0.0)
        self.count = (self.count + 1) % 2**32
        await self.put("DeviceHeartbeat", self.count, ua.VariantType.UInt32)
        await self.put("ActivePower", battery.power)
        await self.put("StateOfCharge", battery.soc)
        await self.put("EnergyImported", battery.imported)
        await self.put("EnergyExported", battery.exported)
        await self.put("ActivePowerSetpoint", self.setpoint or 0.0)
        await self.put("SetpointEnable", self.setpoint is not None, ua.VariantType.Boolean)
        until = datetime.fromtimestamp(self.until, timezone.utc).replace(tzinfo=None)
        await self.put("SetpointValidUntil", until, ua.VariantType.DateTime)
        interval = await self.node("MeteringInterval").read_value()
        record = battery.record(interval)
        if record is not None:
            await self.put("MeterRecord", record)


class PlainModel:
    """kW and kWh, + is charging; what was written stands until somebody writes something else."""

    async def build(self, server):
        index = await server.register_namespace("urn:plain:pcs")
        plant = await server.nodes.objects.add_object(index, "PCS")
        self.nodes = {}
        for name, value in {
            "CapacityKWh": ENERGY_WH / 1000,
            "ChargeMaxKW": POWER_W / 1000,
            "DischargeMaxKW": POWER_W / 1000,
            "SoC": 50.0,
            "PowerKW": 0.0,
            "ChargedKWh": 0.0,
            "DischargedKWh": 0.0,
            "RemoteAllowed": True,
            "SetpointKW": 0.0,
            "SetpointOn": False,
        }.items():
            self.nodes[name] = await plant.add_variable(index, name, value)
        for name in ("SetpointKW", "SetpointOn"):
            await self.nodes[name].set_writable()
        self.before = (0.0, False)

    async def step(self, battery):
        setpoint = await self.nodes["SetpointKW"].read_value()
        is_on = await self.nodes["SetpointOn"].read_value()
        if (setpoint, is_on) != self.before:
            self.before = (setpoint, is_on)
            tell("order" if is_on else "release", watts=-setpoint * 1000, on=is_on)
        battery.advance(-setpoint * 1000 if is_on else 0.0)
        await self.nodes["PowerKW"].write_value(-battery.power / 1000)
        await self.nodes["ChargedKWh"].write_value(battery.imported / 1000)
        await self.nodes["DischargedKWh"].write_value(battery.exported / 1000)
        await self.nodes["SoC"].write_value(battery.soc)


async def main():
    server, endpoint, own = await make_server()
    model = NodesetModel() if MODEL == "nodeset" else PlainModel()
    await model.build(server)
    if "stand-by" in sys.argv[6:]:
        tell("stands by")
        if not await asyncio.to_thread(sys.stdin.readline):
            return  # who started it is gone
    battery = Battery()
    await model.step(battery)
    async with server:
        tell("up", endpoint=endpoint, thumbprint=own)
        while True:
            await asyncio.sleep(0.2)
            await model.step(battery)
            battery.save()


asyncio.run(main())
