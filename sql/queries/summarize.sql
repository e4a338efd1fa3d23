SELECT brin_summarize_new_values('observation_number');
