"""A head's shape: bone and soft tissue, as the lengths from which the surface is built."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.street.rendered.head.draws import Draws

BANDS_Y_CM = (8.0, 4.0, 0.0, -3.5, -7.0, -10.5)
"""Heights at which a face's width and profile are varied: crown of the forehead, brow, eyes, cheeks, mouth, chin."""

_LOWER_FACE_CM = 10.2
"""From the eyes' height to the chin, on average."""


@dataclass(frozen=True)
class Shape:
    """Lengths in cm in head coordinates (x to the picture's right, y up, z to the viewer); the rest are shares.

    `left` and `right` are the picture's. Anthropometric means after Farkas, Anthropometry of the Head and Face, 1994;
    spreads are wider than a population's, so that rendered people are told apart by shape.
    """

    skull_width: float
    skull_height: float
    skull_depth: float
    forehead_bulge: float
    fat: float

    eye_x_cm: float
    eye_y_cm: float
    eye_z_cm: float
    eye_left_y_cm: float
    eye_right_y_cm: float
    eye_size: float
    socket_cm: float
    socket_depth_cm: float
    hood: float
    brow_ridge: float

    jaw_width_cm: float
    jaw_angle: float
    chin_x_cm: float
    chin_y_cm: float
    chin_z_cm: float
    chin_width_cm: float
    chin_height_cm: float
    cleft: float

    cheek_x_cm: float
    cheek_y_cm: float
    cheek_z_cm: float
    cheek_size_cm: float
    hollow: float
    jowl: float

    nose_y_cm: float
    nose_z_cm: float
    nose_root_z_cm: float
    nose_bridge_cm: float
    nose_hump_cm: float
    nose_bend_cm: float
    nose_tip_cm: float
    nose_tip_x_cm: float
    nose_tip_lift_cm: float
    wing_x_cm: float
    wing_cm: float
    wing_y_cm: float

    mouth_y_cm: float
    mouth_z_cm: float
    mouth_width_cm: float
    upper_lip_cm: float
    lower_lip_cm: float
    philtrum: float
    mouth_tilt: float

    ear_height: float
    ear_flare: float
    ear_y_cm: float
    lobe: float

    band_widths: tuple[float, ...]
    """Width factor at each of `BANDS_Y_CM`."""
    band_profile_cm: tuple[float, ...]
    """Forward shift of the face at each of `BANDS_Y_CM`."""
    lean: float
    """Sideways shear of the face: centimetres to the right for each centimetre up."""
    aspect: float
    """Width over height, as a factor."""


def sample_shape(draws: Draws, masculinity: float, age: float, darkness: float) -> Shape:
    """One shape; `masculinity` about -0.5 to 1, `age` 0 to 1 over adult life, `darkness` 0 to 1 of the skin.

    Darkness bends the means of nose and lips a little, as in people; each tone still covers every shape.
    """
    m, a, d = masculinity, age, darkness
    around, bell = draws.around, draws.bell
    fat = bell(0.15 * a, 0.9)
    eye_y = around(0.25, 0.45)
    nose = around(3.65 + 0.15 * m + 0.2 * a, 0.95)
    lip = around(2.95 + 0.1 * m + 0.15 * a, 0.65)
    chin = around(3.45 + 0.35 * m, 0.7)
    # One long part often comes with a short one: whole faces differ less than their parts.
    fit = (_LOWER_FACE_CM / (nose + lip + chin)) ** 0.4
    nose_y, mouth_y, chin_y = -fit * nose, -fit * (nose + lip), -fit * (nose + lip + chin)
    mouth_z = around(7.3 + 0.25 * d, 0.5)
    skew = [bell(0.0, 0.11) for _ in range(6)]
    return Shape(
        skull_width=around(1.0, 0.075),
        skull_height=around(1.0, 0.06),
        skull_depth=around(1.0, 0.05),
        forehead_bulge=around(-0.15 * m, 1.0),
        fat=fat,
        eye_x_cm=around(3.15, 0.46),
        eye_y_cm=eye_y,
        eye_z_cm=around(6.75, 0.4),
        eye_left_y_cm=eye_y - skew[0],
        eye_right_y_cm=eye_y + skew[0],
        eye_size=around(1.0 - 0.07 * m - 0.03 * a, 0.15),
        socket_cm=around(1.35, 0.25),
        socket_depth_cm=around(0.35 + 0.15 * a, 0.45),
        hood=max(0.0, around(0.2 + 0.45 * a, 0.8)),
        brow_ridge=around(0.5 + 0.5 * m, 0.5),
        jaw_width_cm=around(4.9 + 0.45 * m + 0.3 * fat, 0.7),
        jaw_angle=max(0.0, around(0.35 + 0.35 * m, 0.65)),
        chin_x_cm=skew[1] * 2,
        chin_y_cm=chin_y,
        chin_z_cm=around(5.9 + 0.2 * m, 1.0),
        chin_width_cm=around(2.1 + 0.4 * m, 0.7),
        chin_height_cm=around(1.35, 0.3),
        cleft=max(0.0, bell(-0.5 + 0.4 * m, 0.8)),
        cheek_x_cm=around(4.5, 0.65),
        cheek_y_cm=around(-2.2, 0.9),
        cheek_z_cm=around(4.9, 0.65),
        cheek_size_cm=around(1.75, 0.4),
        hollow=max(0.0, around(0.1 + 0.25 * a - 0.25 * fat, 0.8)),
        jowl=max(0.0, around(-0.3 + 0.8 * a + 0.3 * fat, 0.5)),
        nose_y_cm=nose_y,
        nose_z_cm=around(10.2 + 0.25 * m - 0.3 * d, 0.95),
        nose_root_z_cm=around(7.75 - 0.25 * d + 0.1 * m, 0.6),
        nose_bridge_cm=around(0.64 + 0.06 * m + 0.08 * d, 0.2),
        nose_hump_cm=bell(0.05 + 0.1 * m, 0.42),
        nose_bend_cm=skew[2],
        nose_tip_cm=around(0.9 + 0.05 * m, 0.28),
        nose_tip_x_cm=skew[3],
        nose_tip_lift_cm=around(-0.1 * a, 0.7),
        wing_x_cm=around(1.2 + 0.2 * d + 0.08 * m, 0.36),
        wing_cm=around(0.64, 0.18),
        wing_y_cm=around(-0.1, 0.25),
        mouth_y_cm=mouth_y,
        mouth_z_cm=mouth_z,
        mouth_width_cm=around(2.4 + 0.1 * m, 0.6),
        upper_lip_cm=max(0.16, around(0.48 + 0.12 * d - 0.09 * m - 0.12 * a, 0.28)),
        lower_lip_cm=max(0.22, around(0.60 + 0.14 * d - 0.04 * m - 0.10 * a, 0.28)),
        philtrum=around(0.5, 0.45),
        mouth_tilt=skew[4] * 0.3,
        ear_height=around(1.0 + 0.08 * a, 0.16),
        ear_flare=around(0.5, 0.5),
        ear_y_cm=around(-1.0, 0.6),
        lobe=around(0.5, 0.5),
        band_widths=(
            bell(1.0, 0.035),
            bell(1.0, 0.03),
            bell(1.0, 0.03),
            bell(1.0, 0.04),
            bell(0.97, 0.05),
            bell(0.90 + 0.05 * m, 0.06),
        ),
        band_profile_cm=tuple(bell(0.0, sd) for sd in (0.45, 0.30, 0.15, 0.30, 0.40, 0.55)),
        lean=skew[5] * 0.12,
        aspect=around(1.0, 0.07),
    )
