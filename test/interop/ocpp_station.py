"""A charging station on the Python package `ocpp`, which checks every frame against its own schemas.

Arguments: version (1.6 or 2.0.1), url, identity, password, start of the transaction (ISO 8601).
Prints one JSON object per line: what it was told to do, and how it ended.
"""

import asyncio
import base64
import json
import sys
from datetime import datetime, timedelta

import websockets
from ocpp.routing import on

VERSION, URL, IDENTITY, PASSWORD, START = sys.argv[1:6]
BEGAN = datetime.fromisoformat(START.replace("Z", "+00:00"))


def tell(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def stamp(seconds):
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


class Profiles:
    """One profile per id; the transaction's wins over the default."""

    def __init__(self):
        self.installed = {}

    def limit(self):
        ranked = sorted(self.installed.values(), key=lambda one: one["purpose"] == "TxProfile")
        return ranked[-1]["limit"] if ranked else 32.0


if VERSION == "1.6":
    from ocpp.v16 import ChargePoint, call, call_result

    class Station(ChargePoint):
        profiles = Profiles()

        @on("GetConfiguration")
        async def get_configuration(self, **_):
            unit = {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True}
            return call_result.GetConfiguration(
                configuration_key=[{**unit, "value": "Current,Power"}]
            )

        @on("ChangeConfiguration")
        async def change_configuration(self, key, value):
            tell("configured", key=key, value=value)
            return call_result.ChangeConfiguration(status="Accepted")

        @on("SetChargingProfile")
        async def set_profile(self, connector_id, cs_charging_profiles):
            profile = cs_charging_profiles
            period = profile["charging_schedule"]["charging_schedule_period"][0]
            purpose = profile["charging_profile_purpose"]
            entry = {"purpose": purpose, "limit": period["limit"]}
            self.profiles.installed[profile["charging_profile_id"]] = entry
            duration = profile["charging_schedule"].get("duration")
            tell("profile", purpose=purpose, limit=period["limit"], duration=duration)
            return call_result.SetChargingProfile(status="Accepted")

        @on("ClearChargingProfile")
        async def clear_profile(self, id=None, **_):
            found = self.profiles.installed.pop(id, None)
            tell("cleared", id=id, found=found is not None)
            return call_result.ClearChargingProfile(status="Accepted" if found else "Unknown")

        @on("TriggerMessage")
        async def trigger(self, **_):
            return call_result.TriggerMessage(status="NotImplemented")

        @on("GetCompositeSchedule")
        async def composite(self, connector_id, duration, charging_rate_unit=None):
            return call_result.GetCompositeSchedule(
                status="Accepted",
                connector_id=connector_id,
                schedule_start=stamp(0),
                charging_schedule={
                    "duration": duration,
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": self.profiles.limit()}
                    ],
                },
            )

    async def live(station):
        booted = await station.call(
            call.BootNotification(charge_point_model="M", charge_point_vendor="V")
        )
        tell("booted", status=booted.status, time=booted.current_time)
        started = await station.call(
            call.StartTransaction(connector_id=1, id_tag="TAG", meter_start=500, timestamp=stamp(0))
        )
        values = [
            {"value": "11000", "context": "Sample.Clock", "measurand": "Power.Active.Import"},
            {"value": "592", "context": "Sample.Clock"},
        ]
        await station.call(
            call.MeterValues(
                connector_id=1,
                transaction_id=started.transaction_id,
                meter_value=[{"timestamp": stamp(30), "sampledValue": values}],
            )
        )
        tell("metered")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await station.call(
            call.StopTransaction(
                transaction_id=started.transaction_id, meter_stop=700, timestamp=stamp(60)
            )
        )

else:
    from ocpp.v201 import ChargePoint, call, call_result

    class Station(ChargePoint):
        profiles = Profiles()

        @on("GetVariables")
        async def get_variables(self, get_variable_data):
            value = {"RateUnit": "A,W", "ProfileStackLevel": "3"}
            return call_result.GetVariables(
                get_variable_result=[
                    {
                        "attributeStatus": "Accepted",
                        "attributeValue": value[one["variable"]["name"]],
                        "component": one["component"],
                        "variable": one["variable"],
                    }
                    if one["variable"]["name"] in value
                    else {
                        "attributeStatus": "UnknownVariable",
                        "component": one["component"],
                        "variable": one["variable"],
                    }
                    for one in get_variable_data
                ]
            )

        @on("SetVariables")
        async def set_variables(self, set_variable_data):
            for one in set_variable_data:
                key = one["component"]["name"] + "." + one["variable"]["name"]
                tell("configured", key=key, value=one["attribute_value"])
            return call_result.SetVariables(
                set_variable_result=[
                    {
                        "attributeStatus": "Accepted",
                        "component": one["component"],
                        "variable": one["variable"],
                    }
                    for one in set_variable_data
                ]
            )

        @on("SetChargingProfile")
        async def set_profile(self, evse_id, charging_profile):
            profile = charging_profile
            schedule = profile["charging_schedule"][0]
            limit = schedule["charging_schedule_period"][0]["limit"]
            purpose = profile["charging_profile_purpose"]
            self.profiles.installed[profile["id"]] = {"purpose": purpose, "limit": limit}
            tell("profile", purpose=purpose, limit=limit, duration=schedule.get("duration"))
            return call_result.SetChargingProfile(status="Accepted")

        @on("ClearChargingProfile")
        async def clear_profile(self, charging_profile_id=None, **_):
            found = self.profiles.installed.pop(charging_profile_id, None)
            tell("cleared", id=charging_profile_id, found=found is not None)
            return call_result.ClearChargingProfile(status="Accepted" if found else "Unknown")

        @on("TriggerMessage")
        async def trigger(self, **_):
            return call_result.TriggerMessage(status="NotImplemented")

        @on("GetCompositeSchedule")
        async def composite(self, duration, evse_id, charging_rate_unit=None):
            return call_result.GetCompositeSchedule(
                status="Accepted",
                schedule={
                    "evseId": evse_id,
                    "duration": duration,
                    "scheduleStart": stamp(0),
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": self.profiles.limit()}
                    ],
                },
            )

    def event(event_type, reason, number, seconds, **more):
        return call.TransactionEvent(
            event_type=event_type,
            timestamp=stamp(seconds),
            trigger_reason=reason,
            seq_no=number,
            transaction_info={"transactionId": "python-1"},
            evse={"id": 1, "connectorId": 1},
            **more,
        )

    async def live(station):
        booted = await station.call(
            call.BootNotification(
                charging_station={"model": "M", "vendorName": "V"}, reason="PowerUp"
            )
        )
        tell("booted", status=booted.status, time=booted.current_time)
        needs = {
            "requestedEnergyTransfer": "AC_three_phase",
            "departureTime": stamp(3600),
            "acChargingParameters": {
                "energyAmount": 9000,
                "evMinCurrent": 6,
                "evMaxCurrent": 16,
                "evMaxVoltage": 230,
            },
        }
        await station.call(call.NotifyEVChargingNeeds(evse_id=1, charging_needs=needs))
        token = {"idToken": "TAG", "type": "ISO14443"}
        await station.call(event("Started", "Authorized", 0, 0, id_token=token))
        values = [
            {"value": 11000, "context": "Sample.Clock", "measurand": "Power.Active.Import"},
            {"value": 592, "context": "Sample.Clock"},
        ]
        metered = [{"timestamp": stamp(30), "sampledValue": values}]
        await station.call(event("Updated", "MeterValueClock", 1, 30, meter_value=metered))
        tell("metered")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await station.call(event("Ended", "EVDeparted", 2, 60))


async def main():
    credential = base64.b64encode(f"{IDENTITY}:{PASSWORD}".encode()).decode()
    async with websockets.connect(
        URL,
        subprotocols=[f"ocpp{VERSION}"],
        additional_headers={"Authorization": f"Basic {credential}"},
    ) as socket:
        station = Station(IDENTITY, socket)
        listening = asyncio.create_task(station.start())
        await live(station)
        tell("done", protocol=socket.subprotocol)
        listening.cancel()


asyncio.run(main())
