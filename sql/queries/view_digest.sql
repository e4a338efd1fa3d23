SELECT COALESCE(obj_description(to_regnamespace('report'), 'pg_namespace'), '');
