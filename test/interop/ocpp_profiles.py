"""Charging profiles and the meter of a charging place, as a station keeps them. Powers in W."""

from datetime import datetime

VOLTS = 230
PHASES = 3
AMPERES_MAX = 32.0
AMPERES_MIN = 6.0
RANK = {"TxDefaultProfile": 0, "TxProfile": 1}


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def watts(limit, unit):
    return limit * VOLTS * PHASES if unit == "A" else limit


class Profiles:
    """One profile per id, and per purpose and level; the highest level of a purpose wins."""

    def __init__(self):
        self.installed = {}

    def install(self, number, purpose, level, kind, schedule, now):
        same = [
            other
            for other, one in self.installed.items()
            if (one["purpose"], one["level"]) == (purpose, level)
        ]
        for other in same:
            del self.installed[other]
        start = schedule.get("start_schedule")
        self.installed[number] = {
            "purpose": purpose,
            "level": level,
            "from": now if start is None or kind == "Dynamic" else seconds_of(start),
            "duration": schedule.get("duration"),
            "unit": schedule["charging_rate_unit"],
            # The package reads numbers of 1.6 as Decimal, which it cannot write again.
            "periods": [
                (period["start_period"], float(period.get("limit", period.get("setpoint"))))
                for period in schedule["charging_schedule_period"]
            ],
        }

    def update(self, number, limit, now):
        """A Dynamic profile is given another limit; its dead-man begins again."""
        one = self.installed.get(number)
        if one is None or limit is None:
            return False
        one.update({"from": now, "periods": [(0, float(limit))]})
        return True

    def clear(self, number, purpose, level):
        gone = [
            key
            for key, one in self.installed.items()
            if (number is None or key == number)
            and (purpose is None or one["purpose"] == purpose)
            and (level is None or one["level"] == level)
        ]
        for key in gone:
            del self.installed[key]
        return len(gone) > 0

    def limit(self, now):
        """What is in force at an instant, W; None: no limit."""
        found = []
        for one in self.installed.values():
            passed = now - one["from"]
            if passed < 0 or (one["duration"] is not None and passed >= one["duration"]):
                continue
            limit = [value for start, value in one["periods"] if start <= passed][-1]
            rank = (RANK.get(one["purpose"], -1), one["level"])
            found.append((rank, watts(limit, one["unit"])))
        at_place = [limit for (purpose, _), limit in sorted(found) if purpose >= 0][-1:]
        whole = [limit for (purpose, _), limit in found if purpose < 0]
        return min(at_place + whole, default=None)


class Place:
    """A car that takes what it is offered, and a meter that counts it on the clock's raster."""

    def __init__(self, natural_w, register_wh, now):
        self.natural_w = natural_w
        self.profiles = Profiles()
        self.interval = 60
        self.register_wh = register_wh
        self.at = now
        self.told_wh = register_wh
        self.told_at = now

    def power(self):
        limit = self.profiles.limit(self.at)
        if limit is None:
            return self.natural_w
        power = min(self.natural_w, limit)
        return power if power >= watts(AMPERES_MIN, "A") - 1 else 0

    def move(self, now):
        """Lets time pass; yields (instant, mean W, whole Wh) at each multiple of the interval."""
        values = []
        while self.at < now:
            boundary = (self.at // self.interval + 1) * self.interval
            step = min(boundary, now, self.at + 1)
            self.register_wh += self.power() * (step - self.at) / 3600
            self.at = step
            if step == boundary:
                passed = max(self.at - self.told_at, 1e-6)
                mean = (self.register_wh - self.told_wh) * 3600 / passed
                values.append((self.at, round(mean), int(self.register_wh)))
                self.told_wh, self.told_at = self.register_wh, self.at
        return values
