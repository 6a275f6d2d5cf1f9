"""A small Flask application: a greeting, and a health check."""

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/")
def greet():
    """Greet whoever asks."""
    return jsonify(message=f"Hello, {request.args.get('name', 'world')}!")


@app.get("/health")
def health():
    """Answer the container's health check."""
    return jsonify(status="ok")
