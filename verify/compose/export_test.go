package compose

// Publish takes a script for a published one, and returns the way back.
func Publish(script, version string) (restore func()) {
	hash := hashBytes([]byte(script))
	published[hash] = version
	return func() { delete(published, hash) }
}
