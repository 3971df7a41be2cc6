package sim

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxBody bounds a request, in bytes: 4 MiB.
const maxBody = 4 << 20

// Fault is one thing that goes wrong, from the Nth EmitEvent on, until a fault with a
// greater N begins.
type Fault struct {
	Kind string
	From int // 1 is the first
}

// FaultKinds are the faults that there are (launch.md).
func FaultKinds() []string {
	return []string{"emit-404", "emit-500", "emit-junk", "emit-hang", "emit-lost-answer", "log-without-extend"}
}

// ParseFault reads KIND or KIND@N.
func ParseFault(s string) (Fault, error) {
	kind, at, has := strings.Cut(s, "@")
	f := Fault{Kind: kind, From: 1}
	if has {
		var err error
		if f.From, err = strconv.Atoi(at); err != nil || f.From < 1 {
			return Fault{}, fmt.Errorf("fault %q: after the @ comes a number from 1 on", s)
		}
	}
	if !slices.Contains(FaultKinds(), kind) {
		return Fault{}, fmt.Errorf("fault %q is none of %s", s, strings.Join(FaultKinds(), ", "))
	}
	return f, nil
}

// Handler is the guest agent's API.
func (m *Machine) Handler() http.Handler {
	mux := http.NewServeMux()
	for name, call := range map[string]func(http.ResponseWriter, *http.Request, []byte){
		"EmitEvent": m.emitEvent, "Info": m.info, "GetQuote": m.getQuote, "Version": m.version,
	} {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var body json.RawMessage
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
			if err := dec.Decode(&body); err != nil {
				refuse(w, http.StatusBadRequest, "the request is not JSON")
				return
			}
			call(w, r, body)
		})
	}
	return mux
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": why})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (m *Machine) emitEvent(w http.ResponseWriter, r *http.Request, body []byte) {
	var req struct{ Event, Payload string }
	if err := json.Unmarshal(body, &req); err != nil || req.Event == "" {
		refuse(w, http.StatusBadRequest, "an event has a name")
		return
	}
	payload, err := hex.DecodeString(req.Payload)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the payload is not hex")
		return
	}
	m.mu.Lock()
	m.emits++
	fault := m.fault()
	switch fault {
	case "", "emit-lost-answer":
		m.append(req.Event, payload)
		m.extend(3, digest(req.Event, payload))
	case "log-without-extend":
		m.append(req.Event, payload)
	}
	m.mu.Unlock()

	switch fault {
	case "emit-404":
		http.NotFound(w, r)
	case "emit-500", "log-without-extend":
		refuse(w, http.StatusInternalServerError, "failed to extend RTMR3")
	case "emit-junk":
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("\x00\x01junk\n{"))
	case "emit-hang":
		<-r.Context().Done()
	case "emit-lost-answer":
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	}
}

// fault is what goes wrong with the current EmitEvent.
func (m *Machine) fault() string {
	var last Fault
	for _, f := range m.opts.Faults {
		if m.emits >= f.From && f.From > last.From {
			last = f
		}
	}
	return last.Kind
}

func (m *Machine) info(w http.ResponseWriter, _ *http.Request, _ []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	reg := func(b []byte) string { return hex.EncodeToString(b) }
	composeHash, deviceID := reg(m.composeHash[:]), reg(m.deviceID)
	tcb, err := json.Marshal(map[string]any{
		"mrtd": reg(m.mrtd[:]), "rtmr0": reg(m.rtmr[0][:]), "rtmr1": reg(m.rtmr[1][:]), "rtmr2": reg(m.rtmr[2][:]), "rtmr3": reg(m.rtmr[3][:]),
		"mr_aggregated": reg(m.seeded("mr-aggregated")), "os_image_hash": reg(m.seeded("os-image")),
		"compose_hash": composeHash, "device_id": deviceID,
		"event_log": m.log, "app_compose": string(m.opts.AppCompose),
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	var app struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(m.opts.AppCompose, &app) // a name is a courtesy
	answer(w, map[string]any{
		"app_id": reg(m.appID), "instance_id": reg(m.instanceID), "app_name": app.Name, "device_id": deviceID,
		"compose_hash": composeHash, "os_image_hash": reg(m.seeded("os-image")), "mr_aggregated": reg(m.seeded("mr-aggregated")),
		"key_provider_info": fmt.Sprintf(`{"name":"local-sgx","id":"%x"}`, m.seeded("key-provider")),
		"app_cert":          "", "vm_config": vmConfig, "tcb_info": string(tcb),
	})
}

const vmConfig = `{"simulator":true}`

func (m *Machine) getQuote(w http.ResponseWriter, _ *http.Request, body []byte) {
	var req struct {
		ReportData string `json:"report_data"`
	}
	data := []byte(nil)
	err := json.Unmarshal(body, &req)
	if err == nil {
		data, err = hex.DecodeString(req.ReportData)
	}
	if err != nil || len(data) > 64 {
		refuse(w, http.StatusBadRequest, "report_data is hex of at most 64 bytes")
		return
	}
	var padded [64]byte
	copy(padded[:], data)
	m.mu.Lock()
	defer m.mu.Unlock()
	quote, err := m.quote(padded)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	log := slices.Clone(m.log)
	for i := range log {
		if log[i].IMR == 3 {
			log[i].Digest = "" // as dstack 0.5.11 gives it
		}
	}
	events, err := json.Marshal(log)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, map[string]string{
		"quote": hex.EncodeToString(quote), "event_log": string(events),
		"report_data": hex.EncodeToString(padded[:]), "vm_config": vmConfig,
	})
}

func (m *Machine) version(w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, map[string]string{"version": "0.5.11", "rev": "git-launcher simulator"})
}

// FreeSocket makes room for a socket: one that an earlier run left goes, one on which
// somebody listens is an error, and so is any other file.
func FreeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is not a socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("%s: somebody listens on it, perhaps another simulator; end that, or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s may be in use: %w", path, err)
	}
	return os.Remove(path)
}

// Serve answers on a unix socket until the context ends. ready is called once it
// listens.
func (m *Machine) Serve(ctx context.Context, socket string, ready func()) error {
	if err := FreeSocket(socket); err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		server.Close() // removes the socket, too
	}()
	ready()
	err = server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}
