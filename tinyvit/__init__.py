"""tinyvit"""
