// A DWCP v3 conformance adapter in Go: the skeleton to start from.
//
//	cd examples/adapter-go && go build -o adapter . && dwcp-conformance check-adapter -- ./adapter
//
// One request a line on standard input, one answer a line on standard output, the log on standard error. What is not
// there is "unsupported"; so begin with one component and add operations. Here that is AMST's planner (AMST-011, 012,
// 013, 015).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
)

const (
	maxLine  = 1<<20 + 1
	minChunk = 16 << 10
	maxChunk = 256 << 10
	most     = 256
	k        = 0.1
)

var bounds = map[string][2]float64{"datacenter": {16, 256}, "internet": {4, 16}, "hybrid": {4, 64}}

type object = map[string]any

// refusal is an answer that is not ok.
type refusal struct{ code, message string }

type adapter struct{ chunk float64 }

func number(params object, name string, otherwise float64) float64 {
	if value, there := params[name].(float64); there {
		return value
	}
	return otherwise
}

func clamp(low, high, value float64) float64 { return math.Max(low, math.Min(high, value)) }

func (a *adapter) hello() object {
	limits := object{"k": k, "min_chunk": minChunk, "max_chunk": maxChunk, "datacenter_streams": []int{16, 256}}
	return object{
		"name": "adapter-go", "version": "0.1.0", "clock": "real", "units": object{},
		"components": object{"amst": []string{"planner"}}, "limits": object{"amst": limits}, "metric_names": object{},
	}
}

// target is clamp(min, max, bandwidth / (latency x k)), SPEC 3.1.
func (a *adapter) target(params object) (object, *refusal) {
	bandwidth, latency := number(params, "bandwidth_mbps", 0), number(params, "latency_ms", 0)
	if bandwidth <= 0 || latency <= 0 {
		return nil, &refusal{"invalid_argument", "bandwidth_mbps and latency_ms are above 0"}
	}
	span := [2]float64{number(params, "min_streams", 1), number(params, "max_streams", most)}
	if mode, there := params["mode"].(string); there {
		if span, there = bounds[mode]; !there {
			return nil, &refusal{"invalid_argument", "mode is none of datacenter, internet, hybrid"}
		}
	}
	streams := clamp(span[0], span[1], math.Round(bandwidth/(latency*k)))
	chunk := math.Floor(clamp(minChunk, maxChunk, latency/1000*bandwidth*125000*0.5))
	return object{"streams": streams, "chunk": chunk, "pacing_mbps": 0.95 * bandwidth / streams}, nil
}

// feedback halves the chunk above 5 % loss and doubles it below 1 %.
func (a *adapter) feedback(params object) (object, *refusal) {
	loss := number(params, "loss", 0.03)
	a.chunk = number(params, "chunk", a.chunk)
	if loss > 0.05 {
		a.chunk = math.Floor(a.chunk / 2)
	} else if loss < 0.01 {
		a.chunk *= 2
	}
	a.chunk = clamp(minChunk, maxChunk, a.chunk)
	return object{"chunk": a.chunk}, nil
}

func (a *adapter) validate(params object) (object, *refusal) {
	config, there := params["config"].(object)
	if !there || params["component"] != "amst" {
		return nil, &refusal{"unsupported", "only the component amst has a configuration here"}
	}
	low, high := number(config, "min_streams", 1), number(config, "max_streams", most)
	initial := number(config, "initial_streams", low)
	chunk, burst := number(config, "chunk", maxChunk), number(config, "burst", maxChunk)
	if low < 1 || initial < low || high < initial || high > most || chunk <= 0 || burst < chunk {
		return nil, &refusal{"invalid_argument", "1 <= min <= initial <= max <= 256 and chunk <= burst do not hold"}
	}
	return object{}, nil
}

func (a *adapter) answer(op string, params object) (object, *refusal) {
	switch op {
	case "hello":
		return a.hello(), nil
	case "reset":
		*a = adapter{chunk: maxChunk}
		return object{}, nil
	case "status":
		return object{"chunk": a.chunk}, nil
	case "shutdown":
		return object{}, nil
	case "amst.target":
		return a.target(params)
	case "amst.feedback":
		return a.feedback(params)
	case "config.validate":
		return a.validate(params)
	}
	return nil, &refusal{"unsupported", fmt.Sprintf("there is no %q", op)}
}

func main() {
	a := &adapter{chunk: maxChunk}
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		var request struct {
			ID     json.Number
			Op     string
			Params any
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		params, _ := request.Params.(object)
		reply := object{"id": request.ID, "ok": true}
		if result, refused := a.answer(request.Op, params); refused != nil {
			reply["ok"], reply["error"] = false, object{"code": refused.code, "message": refused.message}
		} else {
			reply["result"] = result
		}
		if out.Encode(reply) != nil || request.Op == "shutdown" {
			return
		}
	}
}
