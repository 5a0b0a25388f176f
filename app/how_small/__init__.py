"""How small?"""
