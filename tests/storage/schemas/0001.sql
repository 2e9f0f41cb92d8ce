BEGIN TRANSACTION;
CREATE TABLE capture (
	id INTEGER NOT NULL, 
	url_key BLOB NOT NULL, 
	run_id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	url TEXT NOT NULL, 
	final_url TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	content_type VARCHAR, 
	etag TEXT, 
	last_modified VARCHAR, 
	payload_sha256 BLOB NOT NULL, 
	payload_length BIGINT NOT NULL, 
	file VARCHAR NOT NULL, 
	"offset" BIGINT NOT NULL, 
	length BIGINT NOT NULL, 
	robots_rule TEXT, 
	fetched_at BIGINT NOT NULL, 
	row_sha256 BLOB NOT NULL, 
	CONSTRAINT pk_capture PRIMARY KEY (id)
);
INSERT INTO "capture" VALUES(1,X'6F09FCE05AF7D21C280B5D2EF1713FB4','r1','a','page','http://a.example/1','http://a.example/1',200,'text/html',NULL,NULL,X'5443FD5961B507A9BA4ACCF1A930C9E459A550538E19DD2FBE7823C823BFC7EC',12,'2026/03/khotin-20260302T010000Z-r1-00000.warc.gz',297,292,NULL,1772413200000000,X'AC460FE3D24435C75568EFB1DF1EBDB9FAB858BE011CA0BA1C27541B65A9FC92');
CREATE TABLE endpoint (
	url TEXT NOT NULL, 
	source VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	etag TEXT, 
	last_modified VARCHAR, 
	payload_sha256 BLOB, 
	status INTEGER, 
	reason VARCHAR NOT NULL, 
	failures INTEGER NOT NULL, 
	links INTEGER NOT NULL, 
	checked_at BIGINT NOT NULL, 
	answered_at BIGINT, 
	changed_at BIGINT, 
	next_check_at BIGINT, 
	why TEXT NOT NULL, 
	idle INTEGER NOT NULL, 
	ttl_minutes INTEGER, 
	skip_hours TEXT NOT NULL, 
	skip_days TEXT NOT NULL, 
	recent TEXT NOT NULL, 
	gap_since BIGINT, 
	CONSTRAINT pk_endpoint PRIMARY KEY (url)
);
INSERT INTO "endpoint" VALUES('http://a.example/feed.xml','a','feed',NULL,NULL,NULL,NULL,'',0,0,1772413200000000,NULL,NULL,NULL,'',0,NULL,'[]','[]','[]',NULL);
CREATE TABLE host (
	name VARCHAR NOT NULL, 
	free_at BIGINT, 
	held_until BIGINT, 
	CONSTRAINT pk_host PRIMARY KEY (name)
);
INSERT INTO "host" VALUES('a.example',1772499600000000,NULL);
CREATE TABLE ingest_run (
	run_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	label VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	version_id BIGINT, 
	detail VARCHAR NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	CONSTRAINT pk_ingest_run PRIMARY KEY (run_id)
);
INSERT INTO "ingest_run" VALUES('r1','ingest','first','committed',1,'',1772413200000000,1772413200000000);
INSERT INTO "ingest_run" VALUES('r2','ingest','second','committed',2,'',1772499600000000,1772499600000000);
CREATE TABLE kin (
	id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	url_key BLOB NOT NULL, 
	url TEXT NOT NULL, 
	relation VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	revision_id BIGINT, 
	partner_url_key BLOB NOT NULL, 
	partner_url TEXT NOT NULL, 
	partner_revision_id BIGINT NOT NULL, 
	cluster_key BLOB NOT NULL, 
	jaccard DOUBLE, 
	containment DOUBLE, 
	coverage DOUBLE, 
	rewritten DOUBLE, 
	moved INTEGER, 
	agreeing INTEGER, 
	conflicting INTEGER, 
	algorithm VARCHAR NOT NULL, 
	word_count INTEGER NOT NULL, 
	published_at BIGINT, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_kin PRIMARY KEY (id)
);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('store_id','48f07e37-6923-4d1f-baf8-6dd4cea6f23f');
INSERT INTO "meta" VALUES('formats','khotin-leaf-1 rfc6962-sha256 khotin-chain-1 khotin-body-1');
CREATE TABLE outcome (
	id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	url_key BLOB NOT NULL, 
	url TEXT NOT NULL, 
	found_in TEXT NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	detail TEXT NOT NULL, 
	status INTEGER, 
	capture_id BIGINT, 
	revision_id BIGINT, 
	partner_url TEXT, 
	partner_revision_id BIGINT, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_outcome PRIMARY KEY (id)
);
INSERT INTO "outcome" VALUES(1,'r1','a',X'EC11839132A4225A475467EA1F38B1ED','http://a.example/3','feed','rejected','video','',NULL,NULL,NULL,NULL,NULL,1772413200000000);
INSERT INTO "outcome" VALUES(2,'r1','a',X'6F09FCE05AF7D21C280B5D2EF1713FB4','http://a.example/1','feed','stored','new-article','',NULL,1,1,NULL,NULL,1772413200000000);
INSERT INTO "outcome" VALUES(3,'r1','a',X'888BCECD47570E31E23CB9C3A982DF42','http://a.example/2','feed','stored','new-article','',NULL,NULL,2,NULL,NULL,1772413200000000);
INSERT INTO "outcome" VALUES(4,'r2','a',X'6F09FCE05AF7D21C280B5D2EF1713FB4','http://a.example/1','feed','revised','content-changed','',NULL,1,3,NULL,NULL,1772499600000000);
CREATE TABLE page (
	url_key BLOB NOT NULL, 
	source VARCHAR NOT NULL, 
	url TEXT NOT NULL, 
	found_in TEXT NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	times_seen INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	etag TEXT, 
	last_modified VARCHAR, 
	payload_sha256 BLOB, 
	capture_id BIGINT, 
	record_url TEXT, 
	article_id TEXT, 
	run_id VARCHAR NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	hint_at BIGINT, 
	published_hint_at BIGINT, 
	fetched_at BIGINT, 
	retry_at BIGINT, 
	look_at BIGINT, 
	CONSTRAINT pk_page PRIMARY KEY (url_key, source)
);
INSERT INTO "page" VALUES(X'EC11839132A4225A475467EA1F38B1ED','a','http://a.example/3','feed','rejected','video',1,0,NULL,NULL,NULL,NULL,NULL,NULL,'r1',1772413200000000,1772413200000000,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "page" VALUES(X'6F09FCE05AF7D21C280B5D2EF1713FB4','a','http://a.example/1','feed','revised','content-changed',2,0,NULL,NULL,NULL,1,'http://a.example/1',NULL,'r2',1772413200000000,1772499600000000,1772413200000000,NULL,1772413200000000,NULL,NULL);
INSERT INTO "page" VALUES(X'888BCECD47570E31E23CB9C3A982DF42','a','http://a.example/2','feed','stored','new-article',1,0,NULL,NULL,NULL,NULL,'http://a.example/2',NULL,'r1',1772413200000000,1772413200000000,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE page_shape (
	source VARCHAR NOT NULL, 
	parser VARCHAR NOT NULL, 
	parser_version VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	pages INTEGER NOT NULL, 
	counts TEXT NOT NULL, 
	drift TEXT NOT NULL, 
	CONSTRAINT pk_page_shape PRIMARY KEY (source, parser, parser_version, run_id)
);
INSERT INTO "page_shape" VALUES('a','generic','1','r1',1772413200000000,2,'{}','đổi khác');
CREATE TABLE revision (
	id INTEGER NOT NULL, 
	version_id BIGINT NOT NULL, 
	prev_id BIGINT, 
	rev INTEGER NOT NULL, 
	op VARCHAR NOT NULL, 
	url_key BLOB NOT NULL, 
	url TEXT NOT NULL, 
	source VARCHAR NOT NULL, 
	record_kind VARCHAR NOT NULL, 
	agency VARCHAR, 
	section VARCHAR, 
	tags TEXT NOT NULL, 
	language VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	published_at BIGINT, 
	published_precision VARCHAR, 
	modified_at BIGINT, 
	fetched_at BIGINT NOT NULL, 
	parser VARCHAR NOT NULL, 
	parser_version VARCHAR NOT NULL, 
	payload_sha256 BLOB, 
	word_count INTEGER NOT NULL, 
	text_key BIGINT NOT NULL, 
	body_key BIGINT, 
	capture_id BIGINT, 
	leaf BLOB NOT NULL, 
	codec VARCHAR NOT NULL, 
	zdict_id BIGINT, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_revision PRIMARY KEY (id), 
	CONSTRAINT fk_revision_capture_id_capture FOREIGN KEY(capture_id) REFERENCES capture (id), 
	CONSTRAINT fk_revision_prev_id_revision FOREIGN KEY(prev_id) REFERENCES revision (id), 
	CONSTRAINT fk_revision_version_id_version FOREIGN KEY(version_id) REFERENCES version (id), 
	CONSTRAINT fk_revision_zdict_id_zdict FOREIGN KEY(zdict_id) REFERENCES zdict (id), 
	CONSTRAINT uq_revision_url_key_rev UNIQUE (url_key, rev)
);
INSERT INTO "revision" VALUES(1,1,NULL,1,'add',X'6F09FCE05AF7D21C280B5D2EF1713FB4','http://a.example/1','a','article',NULL,'Thời sự','["cầu","sông \"Cái\" ''x''"]','vi','article',1772413200000000,'minute',NULL,1772416800000000,'generic','1',X'5443FD5961B507A9BA4ACCF1A930C9E459A550538E19DD2FBE7823C823BFC7EC',189,-5851134636742820015,-4975441105252902593,1,X'BAEB11D18168DC882DE45156F1DDA0778DF3D898E568AD9E4FD68E43125E4219','zstd',NULL,X'28B52FFD646803CD0800624E322C704D73FC9FBE4EB9AB138B85D8AF46AC8EEFE591B0BF57AE80D8374946F943F41F9FDF4E8C411A9AA9EAFFBD128DA1DCA8082B2BEB218655A0A4AC67E9C4F9B8C7AC3586C489BEF4565E58EF545CACB1BBBBBBBB7B777777771F1814100C0804786F9CD4867515FDB7009B411FCE9D1ED6C7B90D5599F1B2281CC1C7418C83DCC38C210DC525579AA01FA1DC88417FBA96914EB30F833EC7C774BD85A0AA838B4898359E5485D5A80BBC281C410E9C9263C68CECA8D13AE961A305FD66A5CAFA045638229971724423203043A1E403634FC1585D769C108FC888523C9115857844962839888783C86E10C506F16A10190DA2CC209E0C22C7201A8C86DDE23E3773CBFB6EE616F7E9660975921187BB4F1EE380ED01FB95D5A2');
INSERT INTO "revision" VALUES(2,1,NULL,1,'add',X'888BCECD47570E31E23CB9C3A982DF42','http://a.example/2','a','article',NULL,'Thời sự','["cầu"]','vi','article',1772413200000000,'minute',NULL,1772416800000000,'generic','1',NULL,4,8059164508757621131,NULL,NULL,X'7C957B2ECA8889FC66485203479FD835C2FEEC627CACBF94DCDAA3F1AE7436B5','zstd',NULL,X'28B52FFD249F7504001289202590A939FF57574119474F6F797607C4DEDBFD5BE5A39106AD1524A2AB2DA2ADC82CC94C17020AF6D60FAA6C4FB342C2AED68D59DF8F8B1033578C1DD090599D5ED59159DB320CDA0CEB24AA5C7D59D6A3063174183274F59EECF50237EF8A5DA28275D0C197F5083E2D4ABEBAD3121A2D4BC4BAC5A41E564EB306BEDEBCE8E213010200D02A1449B6190573B85BFC');
INSERT INTO "revision" VALUES(3,2,1,2,'revise',X'6F09FCE05AF7D21C280B5D2EF1713FB4','http://a.example/1','a','article',NULL,'Thời sự','["cầu","sông \"Cái\" ''x''"]','vi','article',1772413200000000,'minute',NULL,1772416800000000,'generic','1',X'5443FD5961B507A9BA4ACCF1A930C9E459A550538E19DD2FBE7823C823BFC7EC',189,-5851134636742820015,-4975441105252902593,1,X'B586B93966F26238DCE9A5A6C44011C16D0FC6C40FCD2636145C16A9E7889320','zstd',NULL,X'28B52FFD645E03B5080052CE322F704BD301FC1F7C6951ED967B080709DD3D3D482463B2DA086DD4EC5696A62680F6AC30F6FEFFFFABB6CB4BFEFF610610CCA1CCA8082B2BAB23C83A2829AB2F9F38A1D79C31CC1F71A22D352B2BAC7E262EC69C99999999B9B5D65A6BAD1D1814100C080470DB58A90CFB2ADACD02EC056D387772581DE73A543DFBB2B85320F422C98B1E74F6872371C99522684728375AD09EAE95C8C7D9C682B646C774AD5459DDAC035513EEDEF0229333E695AAB01875E18B3B257AE094DED923056D67DF066DC8DD239319E71F022120404391E403634FC1585D769C10AFC888225E91118578225B949CC4C321B29B45B149BC1A4446539419C59349E418448369985BDEE766B7BCEFCDDC72DFBD59029B6416B84601F196DF6B');
CREATE TABLE ruling (
	id INTEGER NOT NULL, 
	url_key BLOB NOT NULL, 
	url TEXT NOT NULL, 
	verdict VARCHAR NOT NULL, 
	partner_url TEXT, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ruling PRIMARY KEY (id)
);
CREATE TABLE run_source (
	run_id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	discovered INTEGER NOT NULL, 
	stored INTEGER NOT NULL, 
	revised INTEGER NOT NULL, 
	duplicate INTEGER NOT NULL, 
	rejected INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	"deferred" INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	not_modified INTEGER NOT NULL, 
	wire_bytes BIGINT NOT NULL, 
	problems TEXT NOT NULL, 
	notes TEXT NOT NULL, 
	CONSTRAINT pk_run_source PRIMARY KEY (run_id, source), 
	CONSTRAINT ck_run_source_sum_holds CHECK (discovered = stored + revised + duplicate + rejected + unchanged + deferred + failed), 
	CONSTRAINT fk_run_source_run_id_ingest_run FOREIGN KEY(run_id) REFERENCES ingest_run (run_id)
);
INSERT INTO "run_source" VALUES('r1','a',3,2,0,0,1,0,0,0,0,0,0,'["một lỗi"]','[]');
INSERT INTO "run_source" VALUES('r2','a',1,0,1,0,0,0,0,0,0,0,0,'[]','[]');
CREATE TABLE schema_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT schema_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "schema_version" VALUES('0001');
CREATE TABLE sketch (
	revision_id INTEGER NOT NULL, 
	algorithm VARCHAR NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_sketch PRIMARY KEY (revision_id)
);
INSERT INTO "sketch" VALUES(1,'khotin-shingle-1',X'3375E812415BCB4CC1A0A05B97EEFB5F0FE1C57CBDB00E98E64377A2906224CE7720E9D3768AB8E485A282EC');
INSERT INTO "sketch" VALUES(2,'khotin-shingle-1',X'BBE58D81');
INSERT INTO "sketch" VALUES(3,'khotin-shingle-1',X'3375E812415BCB4CC1A0A05B97EEFB5F0FE1C57CBDB00E98E64377A2906224CE7720E9D3768AB8E485A282EC');
CREATE TABLE source_state (
	name VARCHAR NOT NULL, 
	failures INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	why TEXT NOT NULL, 
	rhythm TEXT NOT NULL, 
	budget_day VARCHAR NOT NULL, 
	requests_today INTEGER NOT NULL, 
	polled_at BIGINT, 
	next_poll_at BIGINT, 
	CONSTRAINT pk_source_state PRIMARY KEY (name)
);
INSERT INTO "source_state" VALUES('a',0,'','','','',0,1772413200000000,1772416800000000);
CREATE TABLE tag (
	name VARCHAR NOT NULL, 
	version_id BIGINT NOT NULL, 
	message VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_tag PRIMARY KEY (name), 
	CONSTRAINT fk_tag_version_id_version FOREIGN KEY(version_id) REFERENCES version (id)
);
INSERT INTO "tag" VALUES('release-1',1,'đầu tiên',1772499600000000);
CREATE TABLE version (
	id INTEGER NOT NULL, 
	parent_id BIGINT, 
	run_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	added INTEGER NOT NULL, 
	revised INTEGER NOT NULL, 
	retracted INTEGER NOT NULL, 
	documents INTEGER NOT NULL, 
	lo BIGINT NOT NULL, 
	hi BIGINT NOT NULL, 
	delta_root BLOB NOT NULL, 
	chain BLOB NOT NULL, 
	zdict_sha256 BLOB, 
	formats VARCHAR NOT NULL, 
	code_version VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_version PRIMARY KEY (id), 
	CONSTRAINT fk_version_parent_id_version FOREIGN KEY(parent_id) REFERENCES version (id), 
	CONSTRAINT uq_version_parent_id UNIQUE (parent_id), 
	CONSTRAINT uq_version_run_id UNIQUE (run_id)
);
INSERT INTO "version" VALUES(1,NULL,'r1','ingest','first',2,0,0,2,1,2,X'5DB7A1E0D0EE3CADD95B5D8B8684011CE0DB008E0993BD7AD8531A41CD03BD03',X'1B7B78EC7C038E3BDB1F0DD3A4FAA3DF3AC60E22A5980C91040C5986ACB328D0',NULL,'khotin-leaf-1 rfc6962-sha256 khotin-chain-1 khotin-body-1','0',1772413200000000);
INSERT INTO "version" VALUES(2,1,'r2','ingest','second',0,1,0,2,3,3,X'B586B93966F26238DCE9A5A6C44011C16D0FC6C40FCD2636145C16A9E7889320',X'AD4F23B60F873C7D9D9691C5BA61F0A49FD1D5D7FCFD99B057E2FC8B9CFB3A3C',NULL,'khotin-leaf-1 rfc6962-sha256 khotin-chain-1 khotin-body-1','0',1772499600000000);
CREATE TABLE zdict (
	id INTEGER NOT NULL, 
	sha256 BLOB NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_zdict PRIMARY KEY (id)
);
CREATE INDEX ix_capture_run_id ON capture (run_id);
CREATE INDEX ix_capture_url_key ON capture (url_key);
CREATE INDEX ix_endpoint_source ON endpoint (source);
CREATE INDEX ix_kin_cluster_key ON kin (cluster_key);
CREATE INDEX ix_kin_partner_url_key ON kin (partner_url_key);
CREATE INDEX ix_kin_url_key ON kin (url_key);
CREATE INDEX ix_outcome_run_id ON outcome (run_id);
CREATE INDEX ix_outcome_url_key ON outcome (url_key);
CREATE INDEX ix_page_source_article_id ON page (source, article_id) WHERE article_id IS NOT NULL;
CREATE INDEX ix_page_source_look_at ON page (source, look_at) WHERE look_at IS NOT NULL;
CREATE INDEX ix_page_source_outcome ON page (source, outcome);
CREATE INDEX ix_page_source_retry_at ON page (source, retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX ix_ruling_url_key ON ruling (url_key);
CREATE INDEX ix_revision_body_key ON revision (body_key);
CREATE INDEX ix_revision_text_key ON revision (text_key);
CREATE UNIQUE INDEX uq_revision_prev_id ON revision (prev_id) WHERE prev_id IS NOT NULL;
CREATE TRIGGER guard_version_update BEFORE UPDATE ON version BEGIN SELECT RAISE(ABORT, 'version is append-only'); END;
CREATE TRIGGER guard_version_delete BEFORE DELETE ON version BEGIN SELECT RAISE(ABORT, 'version is append-only'); END;
CREATE TRIGGER guard_revision_update BEFORE UPDATE ON revision WHEN NOT (NEW.codec IS 'purged' AND typeof(NEW.body) = 'blob' AND length(NEW.body) = 32 AND NEW.id IS OLD.id AND NEW.version_id IS OLD.version_id AND NEW.prev_id IS OLD.prev_id AND NEW.rev IS OLD.rev AND NEW.op IS OLD.op AND NEW.url_key IS OLD.url_key AND NEW.url IS OLD.url AND NEW.source IS OLD.source AND NEW.record_kind IS OLD.record_kind AND NEW.agency IS OLD.agency AND NEW.section IS OLD.section AND NEW.tags IS OLD.tags AND NEW.language IS OLD.language AND NEW.kind IS OLD.kind AND NEW.published_at IS OLD.published_at AND NEW.published_precision IS OLD.published_precision AND NEW.modified_at IS OLD.modified_at AND NEW.fetched_at IS OLD.fetched_at AND NEW.parser IS OLD.parser AND NEW.parser_version IS OLD.parser_version AND NEW.payload_sha256 IS OLD.payload_sha256 AND NEW.word_count IS OLD.word_count AND NEW.text_key IS OLD.text_key AND NEW.body_key IS OLD.body_key AND NEW.capture_id IS OLD.capture_id AND NEW.leaf IS OLD.leaf AND NEW.zdict_id IS OLD.zdict_id AND OLD.op <> 'retract' AND OLD.codec <> 'purged' AND EXISTS (SELECT 1 FROM revision AS tomb WHERE tomb.url_key = OLD.url_key AND tomb.rev > OLD.rev AND tomb.op = 'retract')) BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_revision_delete BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_capture_update BEFORE UPDATE ON capture BEGIN SELECT RAISE(ABORT, 'capture is append-only'); END;
CREATE TRIGGER guard_capture_delete BEFORE DELETE ON capture BEGIN SELECT RAISE(ABORT, 'capture is append-only'); END;
CREATE TRIGGER guard_outcome_update BEFORE UPDATE ON outcome BEGIN SELECT RAISE(ABORT, 'outcome is append-only'); END;
CREATE TRIGGER guard_outcome_delete BEFORE DELETE ON outcome BEGIN SELECT RAISE(ABORT, 'outcome is append-only'); END;
CREATE TRIGGER guard_tag_update BEFORE UPDATE ON tag BEGIN SELECT RAISE(ABORT, 'tag is append-only'); END;
CREATE TRIGGER guard_tag_delete BEFORE DELETE ON tag BEGIN SELECT RAISE(ABORT, 'tag is append-only'); END;
CREATE TRIGGER guard_zdict_update BEFORE UPDATE ON zdict BEGIN SELECT RAISE(ABORT, 'zdict is append-only'); END;
CREATE TRIGGER guard_zdict_delete BEFORE DELETE ON zdict BEGIN SELECT RAISE(ABORT, 'zdict is append-only'); END;
CREATE TRIGGER guard_kin_update BEFORE UPDATE ON kin BEGIN SELECT RAISE(ABORT, 'kin is append-only'); END;
CREATE TRIGGER guard_kin_delete BEFORE DELETE ON kin BEGIN SELECT RAISE(ABORT, 'kin is append-only'); END;
CREATE TRIGGER guard_ruling_update BEFORE UPDATE ON ruling BEGIN SELECT RAISE(ABORT, 'ruling is append-only'); END;
CREATE TRIGGER guard_ruling_delete BEFORE DELETE ON ruling BEGIN SELECT RAISE(ABORT, 'ruling is append-only'); END;
COMMIT;
