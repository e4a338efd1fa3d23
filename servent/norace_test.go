//go:build !race

package servent_test

// raceDetector tells whether the tests run under the race detector, which makes them slow.
const raceDetector = false
