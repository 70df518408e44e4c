"""What is done with a question, one verb a file. Only graph.py knows of langgraph."""
