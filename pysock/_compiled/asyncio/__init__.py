"""What asyncio's loop runs for each callback."""
