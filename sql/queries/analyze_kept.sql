ANALYZE report.kept, report.kept_host;
