package sim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gitlauncher/internal/sim/fault"
)

var errTrailing = errors.New("there is more after the request")

func (m *Machine) noKeys([]byte, string) (any, error) { return nil, errors.New(noKeys) }

func (m *Machine) noGPU([]byte, string) (any, error) {
	return nil, errors.New("the simulator has no GPU")
}

func (m *Machine) version([]byte, string) (any, error) {
	return map[string]string{"version": m.opts.Dstack.version(), "rev": "git-launcher simulator"}, nil
}

// emitEvent extends RTMR3 on 0.5. On 0.6 it always fails, whatever was sent.
func (m *Machine) emitEvent(body []byte, met string) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	broken := met == fault.LogWithoutExtend
	var req struct{ Event, Payload string }
	err := json.Unmarshal(body, &req)
	payload, hexErr := fromHex(req.Payload)
	switch {
	case m.opts.Dstack == V06 && !broken:
		return nil, errors.New(EmitRemoved)
	case err != nil || req.Event == "":
		return nil, errors.New("an event has a name")
	case hexErr != nil:
		return nil, errors.New("the payload is not hex")
	}
	m.record(req.Event, payload)
	if broken {
		return nil, errors.New("failed to extend RTMR3")
	}
	m.extend(3, m.digest(req.Event, payload))
	return nil, nil
}

// info answers Info of 0.5 and of the frozen surface of 0.6: registers and log are in a
// JSON text inside the JSON.
func (m *Machine) info(_ []byte, met string) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := slices.Clone(m.log)
	if met == "mismatch" {
		log = append(log, m.foreign())
	}
	reg := func(b []byte) string { return hex.EncodeToString(b) }
	composeHash, deviceID := reg(m.composeHash[:]), reg(m.deviceID)
	tcb, err := json.MarshalIndent(map[string]any{
		"mrtd": reg(m.mrtd[:]), "rtmr0": reg(m.rtmr[0][:]), "rtmr1": reg(m.rtmr[1][:]), "rtmr2": reg(m.rtmr[2][:]), "rtmr3": reg(m.rtmr[3][:]),
		"mr_aggregated": reg(m.seeded("mr-aggregated")), "os_image_hash": reg(m.image.hash[:]),
		"compose_hash": composeHash, "device_id": deviceID,
		"event_log": log, "app_compose": string(m.opts.AppCompose),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	answer := m.identity()
	answer["app_cert"], answer["tcb_info"] = "", string(tcb)
	return answer, nil
}

// infoV1 answers Info of /v1: identity and configuration, and neither registers nor
// log.
func (m *Machine) infoV1([]byte, string) (any, error) {
	answer := m.identity()
	answer["app_compose"] = string(m.opts.AppCompose)
	return answer, nil
}

// identity returns what every Info says.
func (m *Machine) identity() map[string]string {
	return map[string]string{
		"app_id": hex.EncodeToString(m.appID), "instance_id": hex.EncodeToString(m.instanceID), "app_name": m.app.Name,
		"device_id": hex.EncodeToString(m.deviceID), "compose_hash": hex.EncodeToString(m.composeHash[:]),
		"os_image_hash": hex.EncodeToString(m.image.hash[:]), "mr_aggregated": hex.EncodeToString(m.seeded("mr-aggregated")),
		"key_provider_info": m.providerInfo(), "vm_config": m.image.vmConfig(),
		"cloud_vendor": "git-launcher", "cloud_product": "simulator",
	}
}

// reportData reads the request of GetQuote and Attest. tooLong is the method's own text.
func reportData(body []byte, tooLong string) (padded [64]byte, err error) {
	var req struct {
		ReportData string `json:"report_data"`
	}
	data := []byte(nil)
	if err = json.Unmarshal(body, &req); err == nil {
		data, err = fromHex(req.ReportData)
	}
	if err != nil {
		return padded, fmt.Errorf("report_data is not hex: %w", err)
	}
	if len(data) > len(padded) {
		return padded, errors.New(tooLong)
	}
	copy(padded[:], data)
	return padded, nil
}

func (m *Machine) getQuote(body []byte, _ string) (any, error) {
	data, err := reportData(body, "Report data is too long")
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	quote, err := m.quote(data)
	if err != nil {
		return nil, err
	}
	log := m.withPreimages(slices.Clone(m.log))
	for i := range log {
		if log[i].IMR == 3 {
			log[i].Digest = "" // dstack leaves it empty, on both lines
		}
	}
	var events bytes.Buffer
	enc := json.NewEncoder(&events)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(log); err != nil {
		return nil, err
	}
	return map[string]string{
		"quote": hex.EncodeToString(quote), "event_log": string(bytes.TrimSuffix(events.Bytes(), []byte("\n"))),
		"report_data": hex.EncodeToString(data[:]), "vm_config": m.image.vmConfig(),
	}, nil
}
