//go:build image

package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// plant is a workload that has turned against those who rely on it. It replaces what the
// launcher's container runs in later boots, and leaves traps wherever it can write.
const plant = `if [ -e /tmp/left ] || [ -e /var/tmp/left ] || [ -e /root/left ] || [ -e /var/cache/left ] || [ -e /run/git-launcher/left ]; then
  echo "workload: found what an earlier boot left"
fi
cp /usr/bin/bash /usr/bin/bash.real
for program in bash git-launcher; do
  [ -e "/usr/bin/$program.real" ] || mv "/usr/bin/$program" "/usr/bin/$program.real"
done
printf '#!/usr/bin/bash.real\necho "workload: PLANTED bash"\nexec /usr/bin/bash.real "$@"\n' >/tmp/bash
printf '#!/usr/bin/bash.real\necho "workload: PLANTED launcher"\nexec /usr/bin/git-launcher.real "$@"\n' >/tmp/git-launcher
chmod 755 /tmp/bash /tmp/git-launcher
cp /tmp/bash /usr/bin/new && mv /usr/bin/new /usr/bin/bash && echo "workload: bash is replaced"
cp /tmp/git-launcher /usr/bin/new && mv /usr/bin/new /usr/bin/git-launcher && echo "workload: the launcher is replaced"
echo /tmp/evil.so >/etc/ld.so.preload && rm -f /etc/ld.so.preload && echo "workload: the loader's file can be written"
echo evil >/tmp/script && cp /tmp/script "$GIT_LAUNCHER_WORK_DIR/new" && mv "$GIT_LAUNCHER_WORK_DIR/new" "$GIT_LAUNCHER_WORK_DIR/entrypoint.sh"
touch /tmp/left /var/tmp/left /root/left /var/cache/left /run/git-launcher/left
`

// TestEarlierBoot attacks the launcher's own container. dstack keeps /var/lib/docker over
// a reboot, and starts an app with `docker compose up --remove-orphans -d`, which keeps a
// container whose compose file has not changed. So root in the container can replace bash
// and the launcher. After a reboot the register is new, the launch is measured like an
// honest one, and the planted bytes run.
// SECURITY.md: W3.
func TestEarlierBoot(t *testing.T) {
	for _, c := range []struct {
		name, text string
		succeeds   bool
	}{
		{"the old compose file", example(t, "test/testdata/writable.yaml"), true},
		{"the recommended compose file", example(t, "compose/git-mode.yaml"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			id, _ := w.commit(t, plant+script)
			compose := up(t, c.text, nil, placeholder, w.launcher, placeholderURL, w.url, placeholderCommit, id, "/var/run/dstack.sock:/var", w.sock+":/var")
			first := awaitLogs(t, compose, "workload: waiting")
			container := compose("ps", "--all", "--quiet")

			// The machine goes down, and comes up with a new register.
			compose("stop", "--timeout", "5")
			w.boot(t)
			if n := len(w.launches(t)); n != 0 {
				t.Fatalf("the new boot begins with %d launches", n)
			}
			compose("up", "--remove-orphans", "--detach")
			if again := compose("ps", "--all", "--quiet"); again != container {
				t.Fatalf("Compose has made a new container: %s, was %s", again, container)
			}
			var second string
			await(t, "the second launch", func() bool {
				out := compose("logs", "--no-color")
				second = strings.TrimPrefix(out, first)
				return strings.Count(out, "workload: waiting") == 2
			})
			launches := w.launches(t)
			var record launchRecord
			if len(launches) != 1 || json.Unmarshal(launches[0].Payload, &record) != nil || record.Commit != id {
				t.Fatalf("the new boot's register has the launches %s", launches)
			}
			replaced, planted := strings.Count(first, "is replaced"), strings.Count(second, "PLANTED")
			left := strings.Contains(second, "found what an earlier boot left") || strings.Contains(first, "can be written") || strings.Contains(second, "evil")
			if c.succeeds && (replaced != 2 || planted != 2) {
				t.Errorf("the attack has lost its target: %d programs replaced, %d ran\n%s", replaced, planted, second)
			}
			if !c.succeeds && (replaced != 0 || planted != 0 || left) {
				t.Errorf("%d programs replaced, %d ran, something left: %t\n%s", replaced, planted, left, second)
			}
			if has := strings.Contains(second, "WRITABLE ROOT FILE SYSTEM"); has != c.succeeds {
				t.Errorf("the launcher warns of a writable root: %t", has)
			}
		})
	}
}
