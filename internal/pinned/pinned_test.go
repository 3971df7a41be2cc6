package pinned

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/measure"
)

const conf = "REPO_URL=/r\nRUN_CMD=echo $HOME\n"

// literal is a compose file that holds conf.
const literal = "services:\n  other:\n    image: x\n  app:\n    image: y\n    environment:\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=/r\n        RUN_CMD=echo $$HOME\n"

// boot returns a boot whose log has the hash of an app-compose.
func boot(t *testing.T, appCompose string, events ...string) measure.Boot {
	t.Helper()
	sum := sha256.Sum256([]byte(appCompose))
	if events == nil {
		events = []string{measure.EventComposeHash, measure.EventSystemReady}
	}
	var log measure.Log
	for _, name := range events {
		e := measure.Entry{IMR: measure.IMR, EventType: measure.RuntimeEventType, Event: name}
		if name == measure.EventComposeHash {
			e.Payload = hex.EncodeToString(sum[:])
		}
		log = append(log, e)
	}
	replayed, err := log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	b, err := measure.State{Log: log, RTMR3: measure.End(replayed), AppCompose: appCompose}.Boot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func app(t *testing.T, file string) string {
	t.Helper()
	data, err := json.Marshal(map[string]string{"docker_compose_file": file})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestByCompose(t *testing.T) {
	if service, err := ByCompose(boot(t, app(t, literal)), []byte(conf)); err != nil || service != "app" {
		t.Errorf("%q, %v", service, err)
	}
	listed := "services:\n  app:\n    environment: [\"GIT_LAUNCHER_CONFIG=a\"]\n  b:\n    environment: [\"GIT_LAUNCHER_CONFIG=x\"]\n"
	if service, err := ByCompose(boot(t, app(t, listed)), []byte("x")); err != nil || service != "b" {
		t.Errorf("a list: %q, %v", service, err)
	}
	for name, c := range map[string]struct {
		app, conf, reason string
	}{
		"a byte more":               {app(t, literal), conf + "\n", "has another config"},
		"a byte less":               {app(t, literal), strings.TrimSuffix(conf, "\n"), "has another config"},
		"$ that nobody has doubled": {app(t, strings.Replace(literal, "$$", "$", 1)), conf, "no service of the measured compose file has a literal"},
		"no variable":               {app(t, "services: {app: {image: x}}\n"), conf, "no service of the measured compose file has a literal"},
		"filled in":                 {app(t, "services: {app: {environment: {GIT_LAUNCHER_CONFIG: \"${GIT_LAUNCHER_CONFIG}\"}}}\n"), conf, "no service of the measured compose file has a literal"},
		"two readings":              {app(t, "services: {app: {environment: {? !!merge <<: {GIT_LAUNCHER_CONFIG: x}}}}\n"), "x", "compose file can't be read"},
		"no compose file":           {`{}`, conf, "no docker_compose_file"},
		"no JSON":                   {`x`, conf, "app-compose can't be read"},
		"a key twice":               {`{"docker_compose_file":"a","docker_compose_file":"b"}`, conf, "app-compose can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			var e *Error
			if service, err := ByCompose(boot(t, c.app), []byte(c.conf)); !errors.As(err, &e) || !strings.Contains(e.Reason, c.reason) || service != "" {
				t.Errorf("%q, %v", service, err)
			}
		})
	}
}

// TestAppComposeIsProven: what the guest agent names counts by its hash in the register.
func TestAppComposeIsProven(t *testing.T) {
	good := boot(t, app(t, literal))
	for name, b := range map[string]measure.Boot{
		"no event":                 boot(t, app(t, literal), measure.EventSystemReady),
		"an event after ready":     boot(t, app(t, literal), measure.EventSystemReady, measure.EventComposeHash),
		"two events":               boot(t, app(t, literal), measure.EventComposeHash, measure.EventComposeHash, measure.EventSystemReady),
		"nothing but the register": {Events: good.Events, After: good.After, RTMR3: good.RTMR3},
	} {
		var e *Error
		if _, err := ByCompose(b, []byte(conf)); !errors.As(err, &e) || !strings.Contains(e.Reason, measure.ErrCompose.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestByImageRefuses tests only refusals. A container shows what it accepts
// (image/test).
func TestByImageRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.conf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := byImage(file, filepath.Dir(file)); !errors.As(err, &e) || !strings.Contains(e.Reason, "root file system is writable") {
		t.Errorf("a writable root: %v", err)
	}
	if err := sameMount(file, filepath.Dir(file)); err != nil {
		t.Errorf("a file and its folder: %v", err)
	}
	if err := sameMount("/proc/self/status", "/"); !errors.As(err, &e) || !strings.Contains(e.Reason, "is mounted, and not in the image") {
		t.Errorf("/proc beside /: %v", err)
	}
	for _, pair := range [][2]string{{file + ".none", "/"}, {file, file + ".none"}} {
		if err := sameMount(pair[0], pair[1]); !errors.As(err, &e) || !strings.Contains(e.Reason, "can't be seen") {
			t.Errorf("%v: %v", pair, err)
		}
	}
}
