-- name: get :one
select * from sops where id = %(sop_id)s;

-- name: active :one
select * from sops where slug = %(slug)s and status = 'active';

-- name: latest :one
select * from sops where slug = %(slug)s order by version desc limit 1;

-- name: list :many
select s.*, a.slug as agent, (select count(*)::int from steps where sop_id = s.id) as steps
  from sops s join agents a on a.id = s.agent_id
 where s.status in ('active', 'disabled', 'draft')
 order by s.slug, s.version;

-- name: for_event :many
-- Active procedures that an occasion of this kind starts.
select * from sops
 where status = 'active' and trigger_type in ('event', 'watcher')
   and trigger_config -> 'events' ? %(event)s
 order by slug;

-- name: draft :one
insert into sops (slug, version, name, description, agent_id, trigger_type, trigger_config,
                  required_services, max_tier, status, origin)
values (%(slug)s,
        (select coalesce(max(version), 0) + 1 from sops where slug = %(slug)s),
        %(name)s, %(description)s, %(agent_id)s, %(trigger_type)s, %(trigger_config)s,
        %(required_services)s, %(max_tier)s, 'draft', %(origin)s)
returning *;

-- name: drop_drafts :exec
delete from sops where slug = %(slug)s and status = 'draft';

-- name: drop_draft_steps :exec
delete from steps using sops
 where steps.sop_id = sops.id and sops.slug = %(slug)s and sops.status = 'draft';

-- name: add_step :exec
insert into steps (sop_id, position, key, name, step_type, config, llm_tier, max_llm_tier,
                   on_success, on_failure, on_uncertain, max_retries, timeout_seconds)
values (%(sop_id)s, %(position)s, %(key)s, %(name)s, %(step_type)s, %(config)s, %(llm_tier)s,
        %(max_llm_tier)s, %(on_success)s, %(on_failure)s, %(on_uncertain)s, %(max_retries)s,
        %(timeout_seconds)s);

-- name: steps :many
select * from steps where sop_id = %(sop_id)s order by position;

-- name: supersede :exec
update sops set status = 'superseded' where slug = %(slug)s and status in ('active', 'disabled');

-- name: publish :one
update sops set status = 'active', published_at = now()
 where id = %(sop_id)s and status = 'draft'
returning *;

-- name: lock_slug :value
-- Two who publish the same procedure take turns.
select pg_advisory_xact_lock(hashtextextended('sop:' || %(slug)s, 0))::text;
