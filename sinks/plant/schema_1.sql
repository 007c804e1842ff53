-- Version 1 of the schema `scrapline`. A version that was released is never changed: what is new
-- goes into the next file. docs/plant.md explains the tables.

CREATE TABLE scrapline.runs (
    run bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid uuid NOT NULL UNIQUE,
    name text NOT NULL,
    title text NOT NULL,
    began timestamptz NOT NULL,
    seed bigint NOT NULL,
    classes text[] NOT NULL,
    residue_class text NOT NULL,
    model text NOT NULL,
    settings jsonb NOT NULL,
    ended text,
    fed bigint,
    wall_s double precision,
    revision bigint NOT NULL
);

CREATE TABLE scrapline.items (
    run bigint NOT NULL REFERENCES scrapline.runs ON DELETE CASCADE,
    camera bigint NOT NULL,
    seq bigint NOT NULL,
    scheduled_s double precision NOT NULL,
    true_class text,
    predicted_class text,
    confidence double precision,
    top3 text NOT NULL,
    low_confidence boolean NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    latency_ms double precision,
    slack_ms double precision,
    worker text NOT NULL,
    attempts bigint NOT NULL,
    model text NOT NULL,
    mass_g double precision NOT NULL,
    queue_ms double precision,
    inference_ms double precision,
    picture_crc32 bigint,
    published_ms double precision,
    dispatched_ms double precision,
    PRIMARY KEY (run, camera, seq)
);

CREATE TABLE scrapline.alerts (
    run bigint NOT NULL REFERENCES scrapline.runs ON DELETE CASCADE,
    id text NOT NULL,
    kind text NOT NULL,
    level text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL,
    source text NOT NULL,
    frame_id text NOT NULL,
    priority text NOT NULL,
    clears text NOT NULL,
    PRIMARY KEY (run, id)
);

CREATE TABLE scrapline.labels (
    run bigint NOT NULL REFERENCES scrapline.runs ON DELETE CASCADE,
    camera bigint NOT NULL,
    seq bigint NOT NULL,
    number bigint NOT NULL,
    labelled_at timestamptz NOT NULL,
    label text NOT NULL,
    labelled_by text NOT NULL,
    is_withdrawn boolean NOT NULL,
    PRIMARY KEY (run, camera, seq, number, labelled_at)
);

-- What the line's reports say, for each hour of belt time. Formulas: reports/figures.py.

CREATE VIEW scrapline.purity AS
SELECT
    run,
    floor(scheduled_s / 3600)::bigint AS hour,
    predicted_class AS bin,
    count(*) AS ejected,
    count(*) FILTER (WHERE predicted_class = true_class) AS right_items,
    avg((predicted_class = true_class)::int)::double precision AS purity,
    coalesce(sum(mass_g) FILTER (WHERE predicted_class = true_class), 0)
        / nullif(sum(mass_g), 0) AS purity_by_mass
FROM scrapline.items
WHERE verdict IN ('sorted', 'missorted') AND true_class IS NOT NULL
GROUP BY 1, 2, 3;

CREATE VIEW scrapline.recovery AS
SELECT
    run,
    floor(scheduled_s / 3600)::bigint AS hour,
    true_class AS class,
    count(*) AS fed,
    count(*) FILTER (WHERE verdict IN ('sorted', 'residue_ok')) AS recovered,
    avg((verdict IN ('sorted', 'residue_ok'))::int)::double precision AS recovery,
    coalesce(sum(mass_g) FILTER (WHERE verdict IN ('sorted', 'residue_ok')), 0)
        / nullif(sum(mass_g), 0) AS recovery_by_mass
FROM scrapline.items
WHERE true_class IS NOT NULL
GROUP BY 1, 2, 3;

CREATE VIEW scrapline.losses AS
SELECT
    run,
    floor(scheduled_s / 3600)::bigint AS hour,
    true_class AS class,
    verdict,
    reason,
    count(*) AS items,
    sum(mass_g) AS mass_g
FROM scrapline.items
WHERE verdict NOT IN ('sorted', 'residue_ok')
GROUP BY 1, 2, 3, 4, 5;

-- The last label of each item that was not taken back.
CREATE VIEW scrapline.item_labels AS
SELECT DISTINCT ON (run, camera, seq) run, camera, seq, label, labelled_by, labelled_at
FROM scrapline.labels
WHERE NOT is_withdrawn
ORDER BY run, camera, seq, labelled_at DESC, number DESC;
