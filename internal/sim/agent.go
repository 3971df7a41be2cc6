package sim

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"gitlauncher/internal/sim/fault"
)

// maxBody bounds a request, in bytes: 4 MiB.
const maxBody = 4 << 20

// EmitRemoved is why EmitEvent fails on dstack 0.6, in dstack's words.
const EmitRemoved = "EmitEvent was removed in dstack 0.6.0; runtime RTMR3 events are system-owned and cannot be extended by apps"

// noKeys says why methods fail that need the app's key.
const noKeys = "the simulator holds no keys of an app"

// method is a method of the API. do returns what to answer, or an error that is answered
// with HTTP 400.
type method struct {
	call string // whose faults it meets, if any
	do   func(body []byte, fault string) (any, error)
}

// Handler returns the guest agent's API on the socket.
func (m *Machine) Handler() http.Handler {
	v0 := map[string]method{
		"EmitEvent": {fault.Emit, m.emitEvent}, "Info": {fault.Info, m.info}, "GetQuote": {fault.Quote, m.getQuote},
		"Attest": {fault.Quote, m.attestV0}, "Version": {do: m.version},
		"GetKey": {do: m.noKeys}, "GetTlsKey": {do: m.noKeys}, "Sign": {do: m.noKeys}, "Verify": {do: m.noKeys},
	}
	mounts := map[string]map[string]method{"": v0}
	if m.opts.Dstack == V06 {
		v1 := map[string]method{
			"Attest": {fault.Quote, m.attestV1}, "Info": {fault.Info, m.infoV1}, "Version": {do: m.version},
			"AttestGpu": {do: m.noGPU}, "GetKey": {do: m.noKeys}, "IssueCert": {do: m.noKeys},
		}
		mounts["/v0"], mounts["/v1"] = v0, v1
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slash := strings.LastIndexByte(r.URL.Path, '/')
		methods, mounted := mounts[r.URL.Path[:max(slash, 0)]]
		name := r.URL.Path[slash+1:]
		if !mounted || name == "" || (r.Method != http.MethodPost && r.Method != http.MethodGet) {
			notMounted(w, r)
			return
		}
		called, ok := methods[name]
		if !ok {
			unknownMethod(w, name)
			return
		}
		m.carryOut(w, r, name, called)
	})
}

// carryOut answers one request for a method that exists.
func (m *Machine) carryOut(w http.ResponseWriter, r *http.Request, name string, called method) {
	body, err := request(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request is not JSON")
		return
	}
	met := ""
	if called.call != "" {
		met = m.begin(called.call)
	}
	if misbehave(w, r, name, met) {
		return
	}
	result, err := called.do(body, met)
	switch {
	case met == "lost-answer":
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
	default:
		answer(w, result)
	}
}

// request returns the message of a request as JSON: a POST's body, or a GET's fields.
func request(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet {
		fields := make(map[string]string)
		for key, values := range r.URL.Query() {
			fields[key] = values[0]
		}
		return json.Marshal(fields)
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	var body json.RawMessage
	if err := dec.Decode(&body); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return body, nil
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": why})
}

// unknownMethod answers as a mounted surface does that has no such method.
func unknownMethod(w http.ResponseWriter, name string) {
	refuse(w, http.StatusNotFound, "Service not found: "+name)
}

// notMounted answers as dstack's web server does where nothing is mounted.
func notMounted(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":{"code":404,"reason":"Not Found","description":"The requested resource could not be found."}}`)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	io.WriteString(w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>404: Not Found</title></head>\n"+
		"<body><h1>404: Not Found</h1><p>The requested resource could not be found.</p></body>\n</html>\n")
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if v == nil { // an empty message
		return
	}
	json.NewEncoder(w).Encode(v)
}

// fromHex reads a field of bytes, with or without 0x.
func fromHex(s string) ([]byte, error) { return hex.DecodeString(strings.TrimPrefix(s, "0x")) }
