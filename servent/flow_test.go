package servent

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gnucensus/servent/link"
	"gnucensus/servent/message"
)

// TestSlowReader: what a neighbour does not read is dropped by worth and counted, it is asked for no more queries meanwhile,
// and nobody else notices.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		from, good, slow := r.plays(Ultrapeer, modern), r.plays(Ultrapeer, modern), r.stalls(Ultrapeer, modern)
		slow.supports(message.SupportedMessage{Vendor: message.BEAR, Selector: 4, Version: 1})
		synctest.Wait()
		own := slow.asks("anything", 3, 0)
		from.hits(own, 1)
		const queries = 20_000
		for range queries {
			from.says(query(message.NewGUID(), "some words that fill the queue", 3, 0))
			if from.Congested() { // the node has not read yet
				synctest.Wait()
			}
		}
		synctest.Wait()
		info := r.Links()[2]
		if info.Waiting > sendQueue || !info.Congested {
			t.Errorf("%d bytes wait for the slow one, congested %v", info.Waiting, info.Congested)
		}
		slow.reads()
		if flow, _ := told[*message.HopsFlow](slow); len(flow) != 2 || flow[0].Hops != noQueries || flow[1].Hops != allQueries {
			t.Errorf("hops flow %+v", flow)
		}
		got, _ := heard[*message.Query](slow)
		info = r.Links()[2]
		lost := int(info.Dropped[message.TypeQuery].Messages)
		if lost == 0 || len(got)+lost != queries || int(info.Sent[message.TypeQuery].Messages) != len(got) {
			t.Errorf("of %d queries %d came, %d were dropped: %+v", queries, len(got), lost, info.Counters)
		}
		if hits, _ := heard[*message.QueryHit](slow); len(hits) != 1 {
			t.Error("the hit was dropped before queries")
		}
		if all, _ := heard[*message.Query](good); len(all) != queries+1 {
			t.Errorf("the good neighbour got %d of %d queries", len(all), queries+1)
		}
		slow.stays()
	})
}

// TestStalledReaderIsDropped: there is no way to say goodbye to who never reads.
func TestStalledReaderIsDropped(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) {
		good, slow := r.plays(Ultrapeer, modern), r.stalls(Leaf, modern)
		time.Sleep(time.Minute)
		if err := slow.peer.link.Err(); !errors.Is(err, link.ErrStalled) || r.seats.find(slow.peer.id) != nil {
			t.Errorf("after a minute the link has error %v", err)
		}
		if free := r.seats.free(Leaf); free != 32 {
			t.Errorf("%d seats are free", free)
		}
		good.stays()
	})
}
