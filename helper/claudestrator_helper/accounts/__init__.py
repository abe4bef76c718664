"""What a run cost the orchestrator's context, from its transcripts."""
