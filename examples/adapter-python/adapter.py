"""A DWCP v3 conformance adapter in Python: the skeleton to start from.

    dwcp-conformance check-adapter -- python3 examples/adapter-python/adapter.py
    dwcp-conformance run --profile amst --allow-must-skips -- python3 examples/adapter-python/adapter.py

One request a line on standard input, one answer a line on standard output, the log on standard error. What is not there
is `unsupported`; so begin with one component and add operations. Here that is AMST's planner (AMST-011, 012, 013, 015).
"""
import json
import sys

MIN_CHUNK, MAX_CHUNK, MAX_STREAMS, K = 16 << 10, 256 << 10, 256, 0.1
BOUNDS = {"datacenter": (16, 256), "internet": (4, 16), "hybrid": (4, 64)}


class Refusal(Exception):
    """Code and message of an answer that is not ok."""


def number(params, name, otherwise=None):
    value = params.get(name, otherwise) if isinstance(params, dict) else otherwise
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal("invalid_argument", f"{name} is no number")
    return value


class Adapter:
    def __init__(self):
        self.seed, self.chunk = "0", MAX_CHUNK

    def hello(self, params):
        limits = {"k": K, "min_chunk": MIN_CHUNK, "max_chunk": MAX_CHUNK, "datacenter_streams": BOUNDS["datacenter"]}
        return {
            "name": "adapter-python", "version": "0.1.0", "clock": "real", "units": {},
            "components": {"amst": ["planner"]}, "limits": {"amst": limits}, "metric_names": {},
        }

    def reset(self, params):
        self.__init__()
        self.seed = str(params.get("seed", "0")) if isinstance(params, dict) else "0"
        return {}

    def status(self, params):
        return {"seed": self.seed, "chunk": self.chunk}

    def shutdown(self, params):
        return {}

    def amst_target(self, params):
        """Streams = clamp(min, max, bandwidth / (latency x k)), SPEC 3.1."""
        bandwidth, latency = number(params, "bandwidth_mbps"), number(params, "latency_ms")
        if bandwidth <= 0 or latency <= 0:
            raise Refusal("invalid_argument", "bandwidth_mbps and latency_ms are above 0")
        mode = params.get("mode")
        if mode is not None and mode not in BOUNDS:
            raise Refusal("invalid_argument", "mode is none of datacenter, internet, hybrid")
        low, high = BOUNDS[mode] if mode else (number(params, "min_streams"), number(params, "max_streams"))
        streams = max(low, min(high, round(bandwidth / (latency * K))))
        chunk = int(max(MIN_CHUNK, min(MAX_CHUNK, latency / 1000 * bandwidth * 125000 * 0.5)))
        return {"streams": streams, "chunk": chunk, "pacing_mbps": 0.95 * bandwidth / streams}

    def amst_feedback(self, params):
        """Halves the chunk above 5 % loss, doubles it below 1 %."""
        if isinstance(params, dict) and "chunk" in params:
            self.chunk = number(params, "chunk")
        elif number(params, "loss") > 0.05:
            self.chunk //= 2
        elif number(params, "loss") < 0.01:
            self.chunk *= 2
        self.chunk = max(MIN_CHUNK, min(MAX_CHUNK, self.chunk))
        return {"chunk": self.chunk}

    def config_validate(self, params):
        config = params.get("config") if isinstance(params, dict) else None
        if not isinstance(config, dict) or params.get("component") != "amst":
            raise Refusal("unsupported", "only the component amst has a configuration here")
        low, high = number(config, "min_streams", 1), number(config, "max_streams", MAX_STREAMS)
        initial = number(config, "initial_streams", low)
        chunk, burst = number(config, "chunk", MAX_CHUNK), number(config, "burst", MAX_CHUNK)
        if not (1 <= low <= initial <= high <= MAX_STREAMS and 0 < chunk <= burst):
            raise Refusal("invalid_argument", "1 <= min <= initial <= max <= 256 and chunk <= burst do not hold")
        return {}

    def answer(self, request):
        op = request.get("op")
        known = {"hello", "reset", "status", "shutdown", "amst.target", "amst.feedback", "config.validate"}
        if op not in known:
            raise Refusal("unsupported", f"there is no {op}")
        return getattr(self, op.replace(".", "_"))(request.get("params", {}))


def main():
    adapter = Adapter()
    for line in sys.stdin:
        request = {}
        try:
            request = json.loads(line)
            reply = {"id": request["id"], "ok": True, "result": adapter.answer(request)}
        except Refusal as refusal:
            code, message = refusal.args
            reply = {"id": request.get("id"), "ok": False, "error": {"code": code, "message": message}}
        except Exception as error:  # An adapter answers whatever happens.
            name = request.get("id") if isinstance(request, dict) else None
            reply = {"id": name, "ok": False, "error": {"code": "internal", "message": repr(error)}}
        print(json.dumps(reply), flush=True)
        if isinstance(request, dict) and request.get("op") == "shutdown":
            return


main()
