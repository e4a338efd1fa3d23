package storage_test

import "gnucensus/storage"

var meta = storage.Meta{Network: "gnutella", Vantage: "test", Version: "v0"}
