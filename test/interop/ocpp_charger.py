"""A charger with a car, on the Python package `ocpp`, in real time until it is ended.

python ocpp_charger.py VERSION URL PASSWORD   VERSION is 1.6, 2.0.1 or 2.1

The package checks every frame against its own copy of the schemas. The car draws 21.6 kW, needs
30 kWh and leaves in eight hours; charging profiles are obeyed to the watt. One line per thing done.
"""

import asyncio
import base64
import json
import sys
import time
from datetime import datetime, timezone
from importlib import import_module

import websockets
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp_profiles import AMPERES_MAX, PHASES, VOLTS, Place
from websockets.exceptions import WebSocketException

VERSION, URL, PASSWORD = sys.argv[1:4]
IDENTITY = URL.rsplit("/", 1)[1]
PACKAGE = "ocpp.v" + VERSION.replace(".", "")
call = import_module(PACKAGE + ".call")
call_result = import_module(PACKAGE + ".call_result")
ChargePoint = import_module(PACKAGE).ChargePoint

NATURAL_W = 21_600
NEEDED_WH = 30_000
STAY_SECONDS = 8 * 3600
TICK_SECONDS = 0.25
REDIAL_SECONDS = 2
SINCE = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()


def say(text):
    print(f"{stamp(time.time())}  {text}", flush=True)


def stamp(at):
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")


def sampled(power_w, register_wh):
    """1.6 writes values as texts, 2.x as numbers."""
    write = str if VERSION == "1.6" else float
    return [
        {"value": write(power_w), "context": "Sample.Clock", "measurand": "Power.Active.Import"},
        {
            "value": write(register_wh),
            "context": "Sample.Clock",
            "measurand": "Energy.Active.Import.Register",
        },
    ]


class Station(ChargePoint):
    """What both families have in common."""

    place = Place(NATURAL_W, (time.time() - SINCE) * NATURAL_W / 3600, time.time())
    began = time.time()
    transaction = None

    async def ask(self, request):
        """A refusal by CALLERROR ends the connection: nothing is passed over."""
        return await self.call(request, suppress=False)

    def profile(self, number, profile, schedule):
        now = time.time()
        self.place.move(now)
        purpose, level = profile["charging_profile_purpose"], profile["stack_level"]
        kind = profile["charging_profile_kind"]
        self.place.profiles.install(number, purpose, level, kind, schedule, now)
        limit = schedule["charging_schedule_period"][0].get("limit")
        say(f"profile {number}: {purpose} at level {level}: {limit} {schedule['charging_rate_unit']}")

    def cleared(self, number, purpose, level):
        self.place.move(time.time())
        found = self.place.profiles.clear(number, purpose, level)
        say(f"cleared profile {number}: {'found' if found else 'unknown'}")
        return "Accepted" if found else "Unknown"

    def composite(self, duration):
        limit = self.place.profiles.limit(time.time())
        amperes = AMPERES_MAX if limit is None else limit / VOLTS / PHASES
        return {
            "duration": duration,
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": round(amperes, 1)}],
        }

    @on("TriggerMessage")
    async def trigger(self, **_):
        return call_result.TriggerMessage(status="NotImplemented")

    async def live(self):
        await self.boot()
        if self.transaction is None:
            await self.plug_in()
        while True:
            for at, power_w, register_wh in self.place.move(time.time()):
                await self.meter(at, sampled(power_w, register_wh))
            await asyncio.sleep(TICK_SECONDS)


class Station16(Station):
    @on("GetConfiguration")
    async def get_configuration(self, key=None, **_):
        known = {
            "ChargingScheduleAllowedChargingRateUnit": "Current",
            "ChargeProfileMaxStackLevel": "3",
            "ClockAlignedDataInterval": str(self.place.interval),
            "NumberOfConnectors": "1",
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
        }
        asked = list(known) if not key else key
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": one, "readonly": True, "value": known[one]} for one in asked if one in known
            ],
            unknown_key=[one for one in asked if one not in known],
        )

    @on("ChangeConfiguration")
    async def change_configuration(self, key, value):
        if key == "ClockAlignedDataInterval":
            self.place.interval = int(value)
        known = key in ("ClockAlignedDataInterval", "MeterValuesAlignedData")
        return call_result.ChangeConfiguration(status="Accepted" if known else "NotSupported")

    @on("SetChargingProfile")
    async def set_profile(self, connector_id, cs_charging_profiles):
        profile = cs_charging_profiles
        self.profile(profile["charging_profile_id"], profile, profile["charging_schedule"])
        return call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")
    async def clear(self, id=None, charging_profile_purpose=None, stack_level=None, **_):
        status = self.cleared(id, charging_profile_purpose, stack_level)
        return call_result.ClearChargingProfile(status=status)

    @on("GetCompositeSchedule")
    async def get_composite(self, connector_id, duration, **_):
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=stamp(time.time()),
            charging_schedule=self.composite(duration),
        )

    async def boot(self):
        names = {"charge_point_vendor": "Python", "charge_point_model": "ocpp-1.6"}
        await self.ask(call.BootNotification(**names, firmware_version="1"))
        status = {"error_code": "NoError", "status": "Charging"}
        await self.ask(call.StatusNotification(connector_id=1, **status))

    async def plug_in(self):
        answer = await self.ask(
            call.StartTransaction(
                connector_id=1,
                id_tag="PYTHON",
                meter_start=int(self.place.register_wh),
                timestamp=stamp(self.began),
            )
        )
        type(self).transaction = answer.transaction_id
        needs = {
            "transactionId": answer.transaction_id,
            "energyAmount": NEEDED_WH,
            "departureTime": stamp(self.began + STAY_SECONDS),
        }
        message = {"vendor_id": "org.gridcall", "message_id": "ChargingNeeds"}
        await self.ask(call.DataTransfer(**message, data=json.dumps(needs)))

    async def meter(self, at, values):
        await self.ask(
            call.MeterValues(
                connector_id=1,
                transaction_id=self.transaction,
                meter_value=[{"timestamp": stamp(at), "sampledValue": values}],
            )
        )


class Station2(Station):
    sequence = 0
    known = {"RateUnit": "A", "ProfileStackLevel": "3"}

    @on("GetVariables")
    async def get_variables(self, get_variable_data):
        results = []
        for one in get_variable_data:
            value = self.known.get(one["variable"]["name"])
            status = "UnknownVariable" if value is None else "Accepted"
            told = {} if value is None else {"attribute_value": value}
            names = {"component": one["component"], "variable": one["variable"]}
            results.append({"attribute_status": status, **told, **names})
        return call_result.GetVariables(get_variable_result=results)

    @on("SetVariables")
    async def set_variables(self, set_variable_data):
        results = []
        for one in set_variable_data:
            name = one["component"]["name"] + "." + one["variable"]["name"]
            if name == "AlignedDataCtrlr.Interval":
                self.place.interval = int(one["attribute_value"])
            known = name.startswith("AlignedDataCtrlr.")
            names = {"component": one["component"], "variable": one["variable"]}
            status = "Accepted" if known else "UnknownVariable"
            results.append({"attribute_status": status, **names})
        return call_result.SetVariables(set_variable_result=results)

    @on("SetChargingProfile")
    async def set_profile(self, evse_id, charging_profile, **_):
        schedule = charging_profile["charging_schedule"][0]
        self.profile(charging_profile["id"], charging_profile, schedule)
        return call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")
    async def clear(self, charging_profile_id=None, charging_profile_criteria=None, **_):
        wanted = charging_profile_criteria or {}
        purpose, level = wanted.get("charging_profile_purpose"), wanted.get("stack_level")
        status = self.cleared(charging_profile_id, purpose, level)
        return call_result.ClearChargingProfile(status=status)

    @on("GetCompositeSchedule")
    async def get_composite(self, duration, evse_id, **_):
        place = {"evse_id": evse_id, "schedule_start": stamp(time.time())}
        schedule = {**place, **self.composite(duration)}
        return call_result.GetCompositeSchedule(status="Accepted", schedule=schedule)

    async def boot(self):
        names = {"model": "ocpp-" + VERSION, "vendor_name": "Python", "firmware_version": "1"}
        await self.ask(call.BootNotification(charging_station=names, reason="PowerUp"))
        place = {"evse_id": 1, "connector_id": 1, "connector_status": "Occupied"}
        await self.ask(call.StatusNotification(timestamp=stamp(time.time()), **place))

    async def plug_in(self):
        needs = {
            "requested_energy_transfer": "AC_three_phase",
            "departure_time": stamp(self.began + STAY_SECONDS),
            "ac_charging_parameters": {
                "energy_amount": NEEDED_WH,
                "ev_min_current": 6,
                "ev_max_current": 32,
                "ev_max_voltage": 230,
            },
        }
        type(self).transaction = "python-" + str(int(self.began))
        token = {"id_token": "PYTHON", "type": "ISO14443"}
        begin = {
            "value": float(int(self.place.register_wh)),
            "context": "Transaction.Begin",
            "measurand": "Energy.Active.Import.Register",
        }
        metered = [{"timestamp": stamp(self.began), "sampledValue": [begin]}]
        await self.event(
            "Started", "Authorized", self.began, id_token=token, meter_value=metered
        )
        await self.ask(call.NotifyEVChargingNeeds(evse_id=1, charging_needs=needs))

    async def meter(self, at, values):
        metered = [{"timestamp": stamp(at), "sampledValue": values}]
        await self.event("Updated", "MeterValueClock", at, meter_value=metered)

    async def event(self, kind, reason, at, **more):
        number, type(self).sequence = self.sequence, self.sequence + 1
        await self.ask(
            call.TransactionEvent(
                event_type=kind,
                timestamp=stamp(at),
                trigger_reason=reason,
                seq_no=number,
                transaction_info={"transaction_id": self.transaction},
                evse={"id": 1, "connector_id": 1},
                **more,
            )
        )


class Station21(Station2):
    known = {"RateUnit": "A", "ProfileStackLevel": "3", "SupportsFeature": "DynamicProfiles"}

    @on("UpdateDynamicSchedule")
    async def update(self, charging_profile_id, schedule_update, **_):
        now = time.time()
        self.place.move(now)
        limit = schedule_update.get("limit", schedule_update.get("setpoint"))
        found = self.place.profiles.update(charging_profile_id, limit, now)
        say(f"update of profile {charging_profile_id}: {limit}")
        return call_result.UpdateDynamicSchedule(status="Accepted" if found else "Rejected")


STATIONS = {"1.6": Station16, "2.0.1": Station2, "2.1": Station21}


async def connected():
    credential = base64.b64encode(f"{IDENTITY}:{PASSWORD}".encode()).decode()
    async with websockets.connect(
        URL,
        subprotocols=[f"ocpp{VERSION}"],
        additional_headers={"Authorization": f"Basic {credential}"},
    ) as socket:
        say(f"connected as {IDENTITY} over {socket.subprotocol}")
        station = STATIONS[VERSION](IDENTITY, socket)
        tasks = [asyncio.create_task(station.start()), asyncio.create_task(station.live())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


async def main():
    while True:
        try:
            await connected()
        except (OSError, asyncio.TimeoutError, OCPPError, WebSocketException) as error:
            say(f"not connected: {error!r}")
        await asyncio.sleep(REDIAL_SECONDS)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
