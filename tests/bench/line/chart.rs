//! The times from a change of the address to the right record, drawn.

use plotters::prelude::*;

use super::table::Row;

/// The chart ends at this many seconds, and has a point every so many.
const END: u64 = 360;
const STEP: usize = 5;
/// Colours that the colour-blind can tell from each other (Okabe and Ito), the first row's first.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(110, 110, 110),
];

/// For each row the share of the undisturbed changes after which the record was right within so many seconds, as a picture in SVG.
pub fn draw(rows: &[Row]) -> String {
    let mut svg = String::new();
    {
        // White, so that it is read on a dark page too.
        let area = SVGBackend::with_string(&mut svg, (800, 420)).into_drawing_area();
        area.fill(&WHITE).unwrap();
        let font = ("sans-serif", 17);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(0..END, 0..100_u64)
            .unwrap();
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(222, 222, 222))
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|seconds| format!("{seconds} s"))
            .y_label_formatter(&|share| format!("{share} %"))
            .x_desc("from a change of the address to the right record")
            .y_desc("share of the changes")
            .label_style(font)
            .axis_desc_style(font)
            .draw()
            .unwrap();
        for (row, colour) in rows.iter().zip(COLOURS) {
            let style = colour.stroke_width(if row.name == rows[0].name { 4 } else { 2 });
            chart
                .draw_series([PathElement::new(points(&row.ledger.undisturbed), style)])
                .unwrap()
                .label(row.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE)
            .border_style(RGBColor(222, 222, 222))
            .label_font(font)
            .draw()
            .unwrap();
        area.present().unwrap();
    }
    // For those who do not see it.
    svg.replacen(
        "<svg ",
        "<svg role=\"img\" aria-label=\"the time from a change of the address to the right record\" ",
        1,
    )
}

/// The share in percent of the sorted times that are over by then.
fn points(sorted: &[u64]) -> Vec<(u64, u64)> {
    let share = |until: u64| {
        let over = sorted.partition_point(|time| *time <= until) as u64;
        (until, 100 * over / (sorted.len() as u64).max(1))
    };
    (0..=END).step_by(STEP).map(share).collect()
}
